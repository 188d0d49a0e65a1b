"""What the terminal says of low data: accuracy per size, losses, parts of the variance."""

from collections.abc import Sequence

from rich.console import Console

from acn_eval.results import EvalResult
from acn_eval.statistics import Comparison
from acn_eval.studies.compare import summarize
from acn_eval.terminal.comparisons import (
    show_accuracies,
    show_answer,
    show_details,
    show_finding_table,
    show_rows,
)

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
        show_finding_table(out, comparison, own)
    show_details(out, comparison, findings=False)
