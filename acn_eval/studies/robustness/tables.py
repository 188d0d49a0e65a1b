"""What the terminal says of robustness: every condition, candidate against baseline."""

from collections.abc import Sequence

from rich.console import Console

from acn_eval.results import EvalResult
from acn_eval.statistics import Comparison
from acn_eval.studies.compare import summarize
from acn_eval.terminal.comparisons import show_accuracies, show_answer, show_comparison

__all__ = ["show"]


def show(
    out: Console,
    results: Sequence[EvalResult],
    comparison: Comparison | None,
    metric: str = "accuracy",
) -> None:
    """Print the answer and every condition, against a baseline where there is one."""
    if comparison is not None:
        show_comparison(out, comparison)
    else:
        show_answer(out, results, None, metric)
        show_accuracies(out, summarize(results, metric=metric), results[0])
