"""What the terminal says of low data: accuracy per size, losses, parts of the variance."""

from collections.abc import Sequence

from rich.console import Console

from acn_eval.results import EvalResult
from acn_eval.statistics import Comparison
from acn_eval.terminal.comparisons import (
    show_answer,
    show_conditions,
    show_details,
    show_finding_table,
)

__all__ = ["show"]


def show(
    out: Console,
    results: Sequence[EvalResult],
    comparison: Comparison | None,
    metric: str | None = None,
) -> None:
    """Print the answer, the learning curves as a table, and the losses and variances below."""
    show_answer(out, results, comparison, metric)
    show_conditions(out, results, comparison, metric)
    if comparison is None:
        return
    for unit in dict.fromkeys(finding.unit for finding in comparison.findings):
        own = [finding for finding in comparison.findings if finding.unit == unit]
        out.print()
        show_finding_table(out, comparison, own)
    show_details(out, comparison, findings=False)
