"""What the terminal says of tasks learned in turn: what is kept, what is forgotten."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from rich.console import Console
from rich.table import Table

from acn_eval.results import EvalResult
from acn_eval.statistics import Comparison, Estimate, Finding
from acn_eval.studies.compare import summarize
from acn_eval.studies.continual.findings import INTRANSIGENCE, Standing, contrast, standing
from acn_eval.terminal.tables import show_accuracies, show_claim, show_manifest, show_verdict

__all__ = ["overview", "show"]

_NAIVE, _JOINT = "naive", "joint"
_LEGEND = (
    "mean over tasks, with 95 % limits over seeds (Student's t; these test images); task-IL: the "
    "task of an image is known, class-IL: it is not; right after: each task when it was learned; "
    "forgetting: right after - at the end, intransigence: joint training - right after, in points"
)
_COLUMNS = (
    ("average %", "average accuracy, task-IL"),
    ("right after %", "accuracy right after learning, task-IL"),
    ("forgetting", "forgetting, task-IL"),
    (INTRANSIGENCE, INTRANSIGENCE),
    ("class-IL %", "average accuracy, class-IL"),
)
_CONTRASTS = (
    ("average", ("average accuracy", "task_il")),
    ("right after", ("accuracy right after learning", "task_il")),
    ("forgetting", ("forgetting", "task_il")),
    ("class-IL", ("average accuracy", "class_il")),
)
_Key = tuple[str, int, str]
_Rows = Mapping[_Key, Sequence[EvalResult]]


def show(out: Console, results: Sequence[EvalResult], comparison: Comparison | None) -> None:
    """Print every measure of both sides, their differences, and the verdict."""
    if comparison is None:
        show_accuracies(out, summarize(results), results[0])
        return
    labels = (comparison.candidate.label, comparison.baseline.label)
    if comparison.findings:
        out.print(_findings(comparison.findings, labels))
        out.print(comparison.findings[0].note, style="dim")
    show_verdict(out, replace(comparison, findings=()))


def overview(
    out: Console, results: Sequence[EvalResult], comparisons: Sequence[Comparison]
) -> None:
    """Print all methods, depths and networks, what differs between them, and the verdicts."""
    rows = _rows(results)
    table = _table(f"{results[0].suite['name']}, n = {results[0].data.n}", _COLUMNS)
    for (method, depth, network), own in rows.items():
        joint = rows.get((_JOINT, depth, network), [])
        found = standing(f"{method} L{depth} {network}", own, joint)
        table.add_row(found.name, *_cells(found))
    out.print(table)
    out.print(_LEGEND, style="dim")
    for table in (_networks_against(rows), _remedies(rows)):
        if table.row_count:
            out.print()
            out.print(table)
    for comparison in comparisons:
        show_claim(out, comparison)
    for comparison in _worth_showing(comparisons):
        labels = (comparison.candidate.label, comparison.baseline.label)
        show_manifest(out, comparison.manifest, labels)


def _worth_showing(comparisons: Sequence[Comparison]) -> Sequence[Comparison]:
    """Pairs that are not fair, or the first of those that all are."""
    unfair = [c for c in comparisons if any(row.equal is not True for row in c.manifest)]
    return unfair or comparisons[:1]


def _networks_against(rows: _Rows) -> Table:
    networks = list(dict.fromkeys(network for _, _, network in rows))
    table = _table(f"{' - '.join(networks)}, points [95 %]", _CONTRASTS)
    if len(networks) == 2:
        for method, depth in dict.fromkeys(key[:2] for key in rows):
            sides = [rows[method, depth, network] for network in networks]
            table.add_row(f"{method} L{depth}", *_contrasts(*sides))
    return table


def _remedies(rows: _Rows) -> Table:
    table = _table("remedy - naive, points [95 %]", _CONTRASTS)
    for (method, depth, network), own in rows.items():
        naive = rows.get((_NAIVE, depth, network))
        if naive is not None and method not in {_NAIVE, _JOINT}:
            table.add_row(f"{method} L{depth} {network}", *_contrasts(own, naive))
    return table


def _contrasts(left: Sequence[EvalResult], right: Sequence[EvalResult]) -> list[str]:
    return [_contrast(left, right, *asked) for _, asked in _CONTRASTS]


def _contrast(
    left: Sequence[EvalResult], right: Sequence[EvalResult], measure: str, scenario: str
) -> str:
    found = contrast(left, right, measure, scenario)
    return "" if found is None else _shown(found, "+")


def _table(title: str, columns: Sequence[tuple[str, object]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 0, 0, 1), header_style="bold")
    table.add_column(title, no_wrap=True)
    for head, _ in columns:
        table.add_column(head, justify="right", no_wrap=True)
    return table


def _rows(results: Sequence[EvalResult]) -> _Rows:
    rows: dict[_Key, list[EvalResult]] = {}
    for result in results:
        rows.setdefault(_key(result), []).append(result)
    return rows


def _key(result: EvalResult) -> _Key:
    checkpoint = result.checkpoint
    arch = checkpoint.arch
    return str(checkpoint.training["method"]), int(arch["depth"]), str(arch["connectivity"])


def _cells(found: Standing) -> list[str]:
    return [_shown(found.values[name]) if name in found.values else "" for _, name in _COLUMNS]


def _findings(findings: Sequence[Finding], labels: tuple[str, str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("% [95 %]")
    for name in (*labels, "difference, points"):
        table.add_column(name, justify="right", no_wrap=True)
    for f in findings:
        difference = _percent(f.difference, "+") if f.difference else ""
        table.add_row(f.name, _percent(f.candidate), _percent(f.baseline), difference)
    return table


def _shown(e: Estimate, sign: str = "") -> str:
    return _percent(Estimate(*(100 * x for x in (e.value, e.low, e.high))), sign)


def _percent(e: Estimate, sign: str = "") -> str:
    if math.isnan(e.low):
        return f"{e.value:{sign}.1f}"
    return f"{e.value:{sign}.1f} [{e.low:{sign}.1f}, {e.high:{sign}.1f}]"
