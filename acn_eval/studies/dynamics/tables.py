"""Prints the dynamics of trainings: one table per network, a line per depth."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from acn_eval.results import EvalResult
from acn_eval.statistics import Comparison
from acn_eval.statistics.quantity import SHARE
from acn_eval.studies.compare import summarize
from acn_eval.terminal.comparisons import answer_alone, limits, show_comparison
from acn_eval.terminal.glossary import legend
from acn_eval.terminal.tables import Column, show_table

__all__ = ["show"]

_LEGEND = (
    "exit k: the network cut after k blocks; direct: norm of the gradient over the direct "
    "connection in % of the full gradient's, of layer k (0 is the embedding), at the first and "
    "the last measurement; lost: points that the whole network loses without block k; stable "
    "rank: of the features of exit k. Brackets hold 95 % intervals."
)


def show(
    out: Console,
    results: Sequence[EvalResult],
    comparison: Comparison | None,
    metric: str = "accuracy",
) -> None:
    """Print every network by itself; stored results may be compared by their exits."""
    if comparison is not None:
        show_comparison(out, comparison)
        return
    for result in results:
        out.print(answer_alone([result], metric), style="bold")
    for result in results:
        out.print()
        _show_depths(out, result, metric)
    out.print(_LEGEND, style="dim")
    legend(out)


def _show_depths(out: Console, result: EvalResult, metric: str) -> None:
    """One line per depth."""
    details, data = result.details, result.data
    rows = summarize([result], metric=metric)
    unit = rows[-1].quantity.unit
    columns = (
        Column(result.checkpoint.name),
        Column(f"{data.name} {data.split} {unit}".rstrip() + f", n = {data.n}", interval=9),
        Column(f"validation % at step {_few(details['steps'])}", rank=3),
        Column("direct %"),
        Column("lost", interval=8),
        Column("stable rank", rank=2),
    )
    accuracies = [a for a in rows if isinstance(a.condition.get("exit"), int)]
    lost = {row["block"]: row for row in details["without"]}
    cells = [
        (
            accuracy.name,
            limits(accuracy),
            _few([f"{100 * row[k]:.0f}" for row in details["validation"]["accuracy"]]),
            _direct(details["gradients"], k),
            _lost(lost.get(k)),
            _plain(details["stable_rank"][k]),
        )
        for k, accuracy in enumerate(accuracies)
    ]
    show_table(out, columns, cells)


def _few(values: Sequence[Any]) -> str:
    """First, middle and last of many."""
    places = sorted({0, len(values) // 2, len(values) - 1})
    return " / ".join(str(values[i]) for i in places)


def _direct(gradients: dict[str, Any], layer: int) -> str:
    looks = sorted({0, len(gradients["full"]) - 1})
    pairs = [(gradients["direct"][i][layer], gradients["full"][i][layer]) for i in looks]
    return " / ".join(f"{100 * own / full:.0f}" if full else "-" for own, full in pairs)


def _lost(row: dict[str, Any] | None) -> str:
    return "" if row is None else SHARE.limits(row["lost"], row["low"], row["high"], sign="+")


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
