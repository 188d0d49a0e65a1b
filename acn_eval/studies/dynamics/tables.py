"""What the terminal says of dynamics: one table per network, a line per depth."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from acn_eval.results import EvalResult
from acn_eval.statistics import Comparison
from acn_eval.studies.compare import summarize
from acn_eval.terminal.tables import percent, show_comparison

__all__ = ["show"]

_LEGEND = (
    "exit k is the network cut after k blocks; direct: norm of the gradient over the direct "
    "connection, in % of the full one's, of layer k (0: the embedding), at the first and the last "
    "look; lost: points of the whole network's accuracy without block k, paired by image; stable "
    "rank: of the features of exit k"
)


def show(out: Console, results: Sequence[EvalResult], comparison: Comparison | None) -> None:
    """Print every network by itself; stored results may be compared by their exits."""
    if comparison is not None:
        show_comparison(out, comparison)
        return
    for result in results:
        out.print(_table(result))
        out.print()
    out.print(_LEGEND, style="dim")


def _table(result: EvalResult) -> Table:
    details, data = result.details, result.data
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    table.add_column(result.checkpoint.name)
    for head in (
        f"{data.name} {data.split} % [95 %], n = {data.n}",
        f"validation % at {_few(details['steps'])}",
        "direct %",
        "lost [95 %]",
        "stable rank",
    ):
        table.add_column(head, justify="right", no_wrap=True)
    accuracies = [a for a in summarize([result]) if isinstance(a.condition.get("exit"), int)]
    lost = {row["block"]: row for row in details["without"]}
    for k, accuracy in enumerate(accuracies):
        table.add_row(
            accuracy.name,
            percent(accuracy.estimate),
            _few([f"{100 * row[k]:.0f}" for row in details["validation"]["accuracy"]]),
            _direct(details["gradients"], k),
            _lost(lost.get(k)),
            _plain(details["stable_rank"][k]),
        )
    return table


def _few(values: Sequence[Any]) -> str:
    """First, middle and last of many."""
    places = sorted({0, len(values) // 2, len(values) - 1})
    return " / ".join(str(values[i]) for i in places)


def _direct(gradients: dict[str, Any], layer: int) -> str:
    looks = sorted({0, len(gradients["full"]) - 1})
    pairs = [(gradients["direct"][i][layer], gradients["full"][i][layer]) for i in looks]
    return " / ".join(f"{100 * own / full:.0f}" if full else "-" for own, full in pairs)


def _lost(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    return f"{100 * row['lost']:+.1f} [{100 * row['low']:+.1f}, {100 * row['high']:+.1f}]"


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
