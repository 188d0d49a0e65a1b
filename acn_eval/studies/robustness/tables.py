"""What the terminal shows of robustness: every condition, candidate against baseline."""

from collections.abc import Sequence

from rich.console import Console

from acn_eval.results import EvalResult
from acn_eval.statistics import Comparison
from acn_eval.terminal.comparisons import show_answer, show_conditions, show_details

__all__ = ["show"]


def show(
    out: Console,
    results: Sequence[EvalResult],
    comparison: Comparison | None,
    metric: str | None = None,
) -> None:
    """Print the answer and every condition, against a baseline where there is one."""
    show_answer(out, results, comparison, metric)
    show_conditions(out, results, comparison, metric)
    show_details(out, comparison)
