"""What the terminal says of tasks learned in turn: what is kept, what is forgotten."""

import math
from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console
from rich.table import Table

from acn_eval.cli.words import show_accuracies, show_verdict
from acn_eval.results import EvalResult
from acn_eval.statistics import Comparison, Estimate, Finding, summarise
from acn_eval.statistics.continual import INTRANSIGENCE, Standing, contrast, standing

__all__ = ["overview", "show"]

_NAIVE, _JOINT = "naive", "joint"
_LEGEND = (
    "mean over tasks, with 95 % limits over seeds (Student's t; these test images); task-IL: the "
    "task of an image is known, class-IL: it is not; forgetting: right after learning - at the "
    "end, intransigence: joint training - right after learning, both in points"
)
_COLUMNS = (
    ("average %", "average accuracy, task-IL"),
    ("forgetting", "forgetting, task-IL"),
    ("best ever", "forgetting, best ever, task-IL"),
    (INTRANSIGENCE, INTRANSIGENCE),
    ("class-IL %", "average accuracy, class-IL"),
)
_Key = tuple[str, int, str]


def show(out: Console, results: Sequence[EvalResult], comparison: Comparison | None) -> None:
    """Print every measure of both sides, their differences, and the verdict."""
    if comparison is None:
        show_accuracies(out, summarise(results), results[0])
        return
    labels = (comparison.candidate.label, comparison.baseline.label)
    if comparison.findings:
        out.print(_findings(comparison.findings, labels))
        out.print(comparison.findings[0].note, style="dim")
    show_verdict(out, replace(comparison, findings=()))


def overview(out: Console, results: Sequence[EvalResult]) -> None:
    """Print all methods, depths and networks in one table, and what each remedy changes."""
    rows = _rows(results)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(f"{results[0].suite['name']}, n = {results[0].data.n}")
    for head, _ in _COLUMNS:
        table.add_column(head, justify="right", no_wrap=True)
    for (method, depth, network), own in rows.items():
        joint = rows.get((_JOINT, depth, network), [])
        found = standing(f"{method} L{depth} {network}", own, joint)
        table.add_row(found.name, *_cells(found))
    out.print(table)
    out.print(_LEGEND, style="dim")
    _show_remedies(out, rows)


def _show_remedies(out: Console, rows: dict[_Key, list[EvalResult]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("remedy - naive, points [95 %]")
    for head in ("average", "forgetting", "class-IL"):
        table.add_column(head, justify="right", no_wrap=True)
    for (method, depth, network), own in rows.items():
        naive = rows.get((_NAIVE, depth, network))
        if naive is None or method in {_NAIVE, _JOINT}:
            continue
        changes = (
            contrast(own, naive, "average accuracy", "task_il"),
            contrast(own, naive, "forgetting", "task_il"),
            contrast(own, naive, "average accuracy", "class_il"),
        )
        table.add_row(f"{method} L{depth} {network}", *(_shown(c, "+") for c in changes))
    if table.row_count:
        out.print()
        out.print(table)
        out.print()


def _rows(results: Sequence[EvalResult]) -> dict[_Key, list[EvalResult]]:
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
