"""What rotation says in the terminal."""

from collections.abc import Sequence

from rich.console import Console

from acn_eval.results import EvalResult
from acn_eval.statistics import Comparison
from acn_eval.studies.compare import summarize

__all__ = ["show"]


def show(
    out: Console,
    results: Sequence[EvalResult],
    comparison: Comparison | None,
    metric: str = "accuracy",
) -> None:
    """Print a line per network and position, and the verdict where there is one."""
    for result in results:
        for row in summarize([result], metric=metric):
            out.print(f"{result.checkpoint.name}, {row.name}: {100 * row.estimate.value:.1f} %")
    if comparison is not None:
        out.print(comparison.claim.sentence)
