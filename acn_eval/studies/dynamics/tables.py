"""Prints the dynamics of trainings: one table per network, a line per depth."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console

from acn_eval.results import EvalResult, connectivity_of
from acn_eval.statistics import Comparison
from acn_eval.statistics.quantity import SHARE
from acn_eval.statistics.spread_words import CONSTANT, spread_in_words
from acn_eval.studies.compare import summarize
from acn_eval.terminal.comparisons import answer_alone, limits, show_comparison
from acn_eval.terminal.glossary import legend
from acn_eval.terminal.tables import Column, show_table

__all__ = ["show"]

_LEGEND = (
    "exit k: the network cut after k blocks; direct: norm of the gradient over the direct "
    "connection in % of the full gradient's, of layer k (0 is the embedding), at the first and "
    "the last measurement; loss: cross entropy, in nats, at the same steps; lost: points "
    "that the whole network loses without block k; stable rank: of the features of exit k. "
    "Brackets hold 95 % intervals."
)


def show(
    out: Console,
    results: Sequence[EvalResult],
    comparison: Comparison | None,
    metric: str | None = None,
) -> None:
    """Print every network by itself; stored results may be compared by their exits."""
    if comparison is not None:
        show_comparison(out, comparison)
        return
    example = results[0].checkpoint.example
    for result in results:
        out.print(answer_alone([result], metric), style="bold")
    spread = [result for result in results if "spread" in result.details]
    for result in spread:
        out.print(f"{result.checkpoint.name}: {_spread_in_words(result)}")
    for result in results:
        out.print()
        _show_depths(out, result, metric)
    out.print(_LEGEND, style="dim")
    for result in spread:
        out.print()
        _show_spread(out, result)
    if spread:
        out.print(_SPREAD_LEGEND.replace("image", example), style="dim")
    legend(out)


def _show_depths(out: Console, result: EvalResult, metric: str | None) -> None:
    """One line per depth."""
    details, data = result.details, result.data
    validation = details["validation"]
    rows = summarize([result], metric=metric)
    unit = rows[-1].quantity.unit
    columns = (
        Column(result.checkpoint.name),
        Column(f"{data.name} {data.split} {unit}".rstrip() + f", n = {data.n}", interval=9),
        Column(f"validation % at step {_few(details['steps'])}", rank=3),
        Column("validation loss", rank=4),
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
            _few([f"{100 * row[k]:.0f}" for row in validation["accuracy"]]),
            _few([f"{row[k]:.2f}" for row in validation.get("loss", ())]),
            _direct(details["gradients"], k),
            _lost(lost.get(k)),
            _plain(details["stable_rank"][k]),
        )
        for k, accuracy in enumerate(accuracies)
    ]
    show_table(out, columns, cells)


def _spread_in_words(result: EvalResult) -> str:
    found = result.details["spread"]
    wired = connectivity_of(result.checkpoint.arch)
    example = result.checkpoint.example
    return spread_in_words(found["looks"][-1], found["initial"], wired, example=example)


def _show_spread(out: Console, result: EvalResult) -> None:
    """One line per exit, at initialization, if that is known, and at the last look."""
    found = result.details["spread"]
    looks = [rows for rows in (found["initial"], found["looks"][-1]) if rows]
    own = result.checkpoint
    columns = [Column(own.name), *(column for column, _ in _NUMBERS.values())]
    columns[2] = Column(f"{own.example}s %")
    cells = [
        (f"exit {k}", *(_in_turn(name, (rows[k] for rows in looks)) for name in _NUMBERS))
        for k in range(len(looks[-1]))
    ]
    show_table(out, columns, cells)


def _in_turn(name: str, rows: Iterable[Mapping[str, float | None]]) -> str:
    _, text = _NUMBERS[name]
    values = [row[name] for row in rows]
    return " / ".join("-" if value is None else text(value) for value in values)


def _percent(value: float) -> str:
    return f"{100 * value:.0f}"


def _share(value: float) -> str:
    return f"<{100 * CONSTANT:g}" if value < CONSTANT else f"{100 * value:.1f}"


def _few(values: Sequence[Any]) -> str:
    """First, middle and last of many, as of none."""
    places = sorted({0, len(values) // 2, len(values) - 1}) if values else ()
    return " / ".join(str(values[i]) for i in places)


def _direct(gradients: dict[str, Any], layer: int) -> str:
    looks = sorted({0, len(gradients["full"]) - 1})
    pairs = [(gradients["direct"][i][layer], gradients["full"][i][layer]) for i in looks]
    return " / ".join(f"{100 * own / full:.0f}" if full else "-" for own, full in pairs)


def _lost(row: dict[str, Any] | None) -> str:
    return "" if row is None else SHARE.limits(row["lost"], row["low"], row["high"], sign="+")


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


_SPREAD_LEGEND = (
    "At initialization / as trained, on validation examples. tokens, images: share of the mean "
    "square of what block k passes on that varies over the tokens of an image, and over images; "
    f"below {100 * CONSTANT:g} % it is called constant. rank: effective rank of the readout at "
    "exit k; norm: length of what block k adds to it, in % of the last readout's; cosine: between "
    "these two."
)
_NUMBERS: Mapping[str, tuple[Column, Callable[[float], str]]] = {
    "tokens": (Column("tokens %"), _share),
    "images": (Column("images %"), _share),
    "rank": (Column("rank", rank=1), "{:.1f}".format),
    "norm": (Column("norm %", rank=3), _percent),
    "cosine": (Column("cosine", rank=2), "{:z.2f}".format),
}
