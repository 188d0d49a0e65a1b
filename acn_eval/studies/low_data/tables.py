"""What the terminal says of low data: accuracy per size, losses, parts of the variance."""

from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console
from rich.table import Table

from acn_eval.results import EvalResult
from acn_eval.statistics import Comparison, Estimate, Finding
from acn_eval.studies.compare import summarize
from acn_eval.terminal.tables import show_accuracies, show_rows, show_verdict

__all__ = ["show"]


def show(out: Console, results: Sequence[EvalResult], comparison: Comparison | None) -> None:
    """Print the learning curves as tables, then the area under them and the verdict."""
    if comparison is None:
        show_accuracies(out, summarize(results), results[0])
        return
    show_rows(out, comparison, comparison.rows)
    for unit in dict.fromkeys(finding.unit for finding in comparison.findings):
        own = [finding for finding in comparison.findings if finding.unit == unit]
        out.print()
        _show_findings(out, comparison, own)
    show_verdict(out, replace(comparison, findings=()))


def _show_findings(out: Console, comparison: Comparison, findings: Sequence[Finding]) -> None:
    """One line per finding of one unit; how they were obtained stands below."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(f"{findings[0].unit} [95 %]")
    for name in (comparison.candidate.label, comparison.baseline.label):
        table.add_column(name, justify="right", no_wrap=True)
    differences = any(finding.difference is not None for finding in findings)
    if differences:
        table.add_column("difference", justify="right", no_wrap=True)
    for f in findings:
        cells = [_shown(f.candidate), _shown(f.baseline)]
        if differences:
            cells.append(_shown(f.difference, "+") if f.difference else "")
        table.add_row(f.name, *cells)
    out.print(table)
    for note in dict.fromkeys(finding.note for finding in findings):
        out.print(note, style="dim")


def _shown(e: Estimate, sign: str = "") -> str:
    return f"{e.value:{sign}.2f} [{e.low:{sign}.2f}, {e.high:{sign}.2f}]"
