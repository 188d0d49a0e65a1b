"""What the terminal says of low data: accuracy per size, losses, parts of the variance."""

from collections.abc import Sequence

from rich.console import Console

from acn_eval.results import EvalResult
from acn_eval.statistics import Comparison, Estimate, Finding
from acn_eval.studies.compare import summarize
from acn_eval.terminal.comparisons import (
    show_accuracies,
    show_answer,
    show_details,
    show_rows,
)
from acn_eval.terminal.tables import Column, show_table

__all__ = ["show"]


def show(
    out: Console,
    results: Sequence[EvalResult],
    comparison: Comparison | None,
    metric: str = "accuracy",
) -> None:
    """Print the answer, the learning curves as a table, and the losses and variances below."""
    show_answer(out, results, comparison, metric)
    if comparison is None:
        show_accuracies(out, summarize(results, metric=metric), results[0])
        return
    show_rows(out, comparison, comparison.rows)
    for unit in dict.fromkeys(finding.unit for finding in comparison.findings):
        own = [finding for finding in comparison.findings if finding.unit == unit]
        out.print()
        _show_findings(out, comparison, own)
    show_details(out, comparison, findings=False)


def _show_findings(out: Console, comparison: Comparison, findings: Sequence[Finding]) -> None:
    """One line per finding of one unit; how they were obtained stands below."""
    columns = (
        Column(findings[0].unit),
        Column(comparison.candidate.label, interval=9),
        Column(comparison.baseline.label, interval=9),
        Column("difference"),
    )
    rows = [
        (
            f.name,
            _shown(f.candidate),
            _shown(f.baseline),
            _shown(f.difference, "+") if f.difference else "",
        )
        for f in findings
    ]
    show_table(out, columns, rows)
    for note in dict.fromkeys(finding.note for finding in findings):
        out.print(f"{note[:1].upper()}{note[1:]}.", style="dim")


def _shown(e: Estimate, sign: str = "") -> str:
    return f"{e.value:{sign}.2f} [{e.low:{sign}.2f}, {e.high:{sign}.2f}]"
