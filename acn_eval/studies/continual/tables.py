"""Prints results of tasks learned in turn: accuracy, forgetting, and their differences."""

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console

from acn_eval.results import EvalResult, connectivity_of
from acn_eval.statistics import Comparison
from acn_eval.studies.continual.findings import INTRANSIGENCE, contrast, standing
from acn_eval.terminal.comparisons import (
    interval,
    show_answer,
    show_conditions,
    show_details,
    show_finding_table,
    show_manifest,
)
from acn_eval.terminal.glossary import legend
from acn_eval.terminal.tables import Column, show_table

__all__ = ["overview", "show"]

_NAIVE, _JOINT = "naive", "joint"
_LEGEND = (
    "Means over tasks, with 95 % intervals over seeds (Student's t, for these test examples). "
    "right after: accuracy on each task when it was just learned; forgetting: right after - at "
    "the end; intransigence: joint training - right after; both in points."
)
_COLUMNS = (
    ("average %", "average accuracy, task-IL"),
    ("right after %", "accuracy right after learning, task-IL"),
    ("forgetting", "forgetting, task-IL"),
    (INTRANSIGENCE, INTRANSIGENCE),
    ("class-IL %", "average accuracy, class-IL"),
)
_CONTRASTS = (
    ("average", "average accuracy", "task_il"),
    ("right after", "accuracy right after learning", "task_il"),
    ("forgetting", "forgetting", "task_il"),
    ("class-IL", "average accuracy", "class_il"),
)
_RANKS = {INTRANSIGENCE: 5, "right after %": 4, "right after": 4, "class-IL %": 3, "class-IL": 3}
"""What is hidden first where the terminal is narrow; then the intervals that are left."""
_Rows = Mapping[tuple[str, int, str], Sequence[EvalResult]]


def show(
    out: Console,
    results: Sequence[EvalResult],
    comparison: Comparison | None,
    metric: str | None = None,
) -> None:
    """Print the answer, every measure of both sides, and their differences."""
    show_answer(out, results, comparison, metric)
    if comparison is not None and comparison.findings:
        show_finding_table(out, comparison, comparison.findings)
        legend(out)
    else:
        show_conditions(out, results, comparison, metric)
    show_details(out, comparison, findings=False)


def overview(
    out: Console, results: Sequence[EvalResult], comparisons: Sequence[Comparison]
) -> None:
    """Print the answers, then all methods, depths and networks, and their differences."""
    for comparison in comparisons:
        show_answer(out, (), comparison)
    rows = _rows(results)
    title = f"{results[0].suite['name']}, n = {results[0].data.n}"
    _show(out, title, _COLUMNS, list(_standings(rows)))
    out.print(_LEGEND, style="dim")
    networks = list(dict.fromkeys(network for _, _, network in rows))
    against, methods = list(_networks_against(rows, networks)), list(_against_naive(rows))
    for title, lines in ((" - ".join(networks), against), ("method - naive", methods)):
        if lines:
            out.print()
            _show(out, f"{title}, points", _CONTRASTS, lines)
    legend(out)
    for comparison in _worth_showing(comparisons):
        labels = (comparison.candidate.label, comparison.baseline.label)
        show_manifest(out, comparison.manifest, labels)


def _worth_showing(comparisons: Sequence[Comparison]) -> Sequence[Comparison]:
    """Pairs that are not fair, or the first of those that all are."""
    unfair = [c for c in comparisons if any(row.equal is not True for row in c.manifest)]
    return unfair or comparisons[:1]


def _standings(rows: _Rows) -> Iterator[list[str]]:
    for (method, depth, network), own in rows.items():
        found = standing(own, rows.get((_JOINT, depth, network), []))
        cells = (interval(found[name]) if name in found else "" for _, name in _COLUMNS)
        yield [f"{method} L{depth} {network}", *cells]


def _networks_against(rows: _Rows, networks: Sequence[str]) -> Iterator[list[str]]:
    if len(networks) == 2:
        for method, depth in dict.fromkeys(key[:2] for key in rows):
            sides = [rows[method, depth, network] for network in networks]
            yield [f"{method} L{depth}", *_contrasts(*sides)]


def _against_naive(rows: _Rows) -> Iterator[list[str]]:
    for (method, depth, network), own in rows.items():
        naive = rows.get((_NAIVE, depth, network))
        if naive is not None and method not in {_NAIVE, _JOINT}:
            yield [f"{method} L{depth} {network}", *_contrasts(own, naive)]


def _contrasts(left: Sequence[EvalResult], right: Sequence[EvalResult]) -> Iterator[str]:
    for _, measure, scenario in _CONTRASTS:
        found = contrast(left, right, measure, scenario)
        yield "" if found is None else interval(found, sign="+")


def _show(
    out: Console, title: str, columns: Sequence[Sequence[str]], rows: Sequence[Sequence[str]]
) -> None:
    heads = (Column(head, rank=_RANKS.get(head, 0), interval=2) for head, *_ in columns)
    show_table(out, [Column(title), *heads], rows)


def _rows(results: Sequence[EvalResult]) -> _Rows:
    """Results, one per seed, by method, depth and connectivity."""
    rows: dict[tuple[str, int, str], list[EvalResult]] = {}
    for result in results:
        arch, method = result.checkpoint.arch, str(result.checkpoint.training["method"])
        key = method, int(arch["depth"]), connectivity_of(arch)
        rows.setdefault(key, []).append(result)
    return rows
