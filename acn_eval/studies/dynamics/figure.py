"""Draws the course of a training: exits, spread and gradients over steps, similarity of exits."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import cycle
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap
from numpy.typing import NDArray

from acn_eval.charts.canvas import STYLES, Drawing, Panel
from acn_eval.charts.kinds import Sides, color_map, detail_charts
from acn_eval.results import EvalResult, connectivity_of
from acn_eval.statistics.spread_words import AXES, spread_in_words

__all__ = ["drawings"]

_TICKS = 7
_SIZE = (4.6, 3.2)  # inches
_EXIT, _LAYER = "blocks executed", "layer (0: embedding)"
_PARTS = ("full", "direct", "mediated")
_IN_PERCENT: Mapping[str, Any] = {"ylabel": "share of the mean square, %", "ylim": (-3, 103)}
_SPREAD: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "tokens": ("What varies over tokens", _IN_PERCENT),
    "images": ("What varies over images", _IN_PERCENT),
    "rank": ("Readout over images", {"ylabel": "effective rank"}),
    "norm": ("Added to the readout", {"ylabel": "% of the last readout's length"}),
}
_FACTOR = {"tokens": 100, "images": 100, "norm": 100}


def drawings(sides: Sides) -> Iterator[Drawing]:
    """Yield the figures of one training, or the charts of several.

    A finished checkpoint is drawn over its depth. The names are ``training`` (after the paper's
    Fig. 1), ``gradients`` (after its Fig. 2), ``similarity`` and ``spread``.
    """
    (first, *others), *more = sides.values()
    if others or more:
        yield from _of_several(sides)
        return
    details, steps = first.details, first.details["steps"]
    accuracy = 100 * np.array(details["validation"]["accuracy"])
    parts = {part: np.array(details["gradients"][part], dtype=np.float64) for part in _PARTS}
    # Gradients that are exactly 0 have no logarithm, and no shares.
    known = {part: np.where(rows == 0, np.nan, rows) for part, rows in parts.items()}
    percent = {"ylabel": f"accuracy, % (n = {details['validation']['n']})", "ylim": (-3, 103)}
    norm = {"ylabel": "norm of the gradient", "yscale": "log"}
    gradients: tuple[Panel, ...]
    if len(steps) > 1:
        exits = _over_steps("Exits", steps, accuracy, _EXIT, **percent)
        norms = _over_steps("Full gradient", steps, known["full"], _LAYER, **norm)
        gradients = (norms, _shares(steps, parts["direct"] / known["full"]))
    else:
        exits = _over_depth("Exits", {"accuracy": accuracy[0]}, _EXIT, **percent)
        lines = {part: rows[0] for part, rows in known.items()}
        gradients = (_over_depth("Gradients", lines, _LAYER, **norm),)
    name = f"{first.checkpoint.name} on {first.data.name}"
    yield Drawing(
        "training", f"{name}: exits on validation examples", (exits, *_losses(details, steps))
    )
    yield Drawing("gradients", f"{name}: gradients", gradients)
    yield Drawing("similarity", f"{name}: similarity of exits", (_similarity(details["cka"]),))
    if "spread" in details:
        yield _spread(first) if len(steps) > 1 else _spread_over_depth(sides)


def _losses(details: Mapping[str, Any], steps: Sequence[int]) -> Iterator[Panel]:
    """Yield the loss of every exit over steps, or over depth, if that was measured."""
    if "loss" in details["validation"]:
        loss = np.array(details["validation"]["loss"])
        options = {"ylabel": "cross entropy, nats"}
        if len(steps) > 1:
            yield _over_steps("Loss", steps, loss, _EXIT, **options)
        else:
            yield _over_depth("Loss", {"loss": loss[0]}, _EXIT, **options)


def _of_several(sides: Sides) -> Iterator[Drawing]:
    """Yield the charts of several trainings, and their spread over depth instead of its charts."""
    yield from detail_charts(
        {label: [_without_spread(result) for result in own] for label, own in sides.items()}
    )
    if all("spread" in own[0].details for own in sides.values()):
        yield _spread_over_depth(sides)


def _without_spread(result: EvalResult) -> EvalResult:
    charts = [c for c in result.details.get("charts", ()) if "variance" not in str(c["name"])]
    return replace(result, details={**result.details, "charts": charts})


def _spread(result: EvalResult) -> Drawing:
    """The shares of variance over the steps of one training, a line per exit."""
    steps, looks = result.details["steps"], result.details["spread"]["looks"]
    panels = (
        _over_steps(_title(axis, result), steps, _numbers(axis, looks), _EXIT, **_IN_PERCENT)
        for axis in AXES
    )
    return Drawing("spread", _spread_in_words({result.checkpoint.name: [result]}), tuple(panels))


def _spread_over_depth(sides: Sides) -> Drawing:
    """The same over depth: at the last step and, dashed, at initialization where that is known."""
    found = [own[0].details["spread"] for own in sides.values()]
    rows = {label: s["looks"][-1] for label, s in zip(sides, found, strict=True)}
    before = {label: s["initial"] for label, s in zip(sides, found, strict=True) if s["initial"]}
    first = next(iter(sides.values()))[0]
    panels = (_before_and_after(name, _title(name, first), rows, before) for name in _SPREAD)
    caption = _spread_in_words(sides) + (" Dashed: at initialization." if before else "")
    return Drawing("spread", caption, tuple(panels), tuple(sides) if len(sides) > 1 else ())


def _title(name: str, result: EvalResult) -> str:
    return _SPREAD[name][0].replace("image", result.checkpoint.example)


def _before_and_after(
    name: str, title: str, rows: Mapping[str, Any], before: Mapping[str, Any]
) -> Panel:
    """A line per network, and one of its color before training."""
    options = _SPREAD[name][1]
    lines = {label: _numbers(name, own) for label, own in rows.items()}
    dashed = {label: _numbers(name, own) for label, own in before.items()}

    def draw(axes: Axes) -> None:
        for style, (label, row) in zip(cycle(STYLES), lines.items(), strict=False):
            axes.plot(range(len(row)), row, **style)
            if label in dashed:
                axes.plot(range(len(row)), dashed[label], color=style["color"], linestyle="--")
        axes.set(xlabel=_EXIT, **options)

    words = {
        **{label: dict(enumerate(row)) for label, row in lines.items()},
        **{f"{label} at initialization": dict(enumerate(row)) for label, row in dashed.items()},
    }
    return Panel(title, draw, _in_words(words, _EXIT), _SIZE)


def _spread_in_words(sides: Sides) -> str:
    said = []
    for label, (result, *_) in sides.items():
        spread, wired = result.details["spread"], connectivity_of(result.checkpoint.arch)
        example = result.checkpoint.example
        words = spread_in_words(spread["looks"][-1], spread["initial"], wired, example=example)
        said.append(f"{label}: {words}")
    n = min(own[0].details["spread"]["n"] for own in sides.values())
    return f"{' '.join(said)} On {n} validation examples."


def _numbers(name: str, rows: Any) -> NDArray[np.float64]:
    """Return one number of rows per exit, or of looks of such rows; NaN where it is not known."""
    if isinstance(rows, Mapping):
        return np.array(math.nan if rows[name] is None else _FACTOR.get(name, 1) * rows[name])
    return np.array([_numbers(name, row) for row in rows])


def _over_steps(
    title: str, steps: Sequence[int], rows: NDArray[np.float64], depth: str, **options: Any
) -> Panel:
    """One line per depth of rows (steps, depths), from dark to light."""
    depths = rows.shape[1]
    # Without the ends, which cannot be seen on a dark page or on a light one.
    colors = ListedColormap(mpl.colormaps["viridis"](np.linspace(0.25, 0.85, depths)))

    def draw(axes: Axes) -> None:
        for k, row in enumerate(rows.T):
            axes.plot(steps, row, color=colors(k))
        axes.set(xlabel="step", **options)
        scale = ScalarMappable(BoundaryNorm(np.arange(depths + 1) - 0.5, depths), colors)
        bar = axes.figure.colorbar(scale, ax=axes, label=depth)
        bar.set_ticks(range(0, depths, math.ceil(depths / _TICKS)))
        bar.minorticks_off()

    words = {f"{depth} {k}": dict(zip(steps, row, strict=True)) for k, row in enumerate(rows.T)}
    return Panel(title, draw, _in_words(words, "step"), _SIZE)


def _over_depth(
    title: str, lines: Mapping[str, NDArray[np.float64]], depth: str, **options: Any
) -> Panel:
    def draw(axes: Axes) -> None:
        for (name, row), style in zip(lines.items(), STYLES, strict=False):
            axes.plot(range(len(row)), row, label=name, **style)
        axes.set(xlabel=depth, **options)
        if len(lines) > 1:
            axes.legend(frameon=False)

    words = {name: dict(enumerate(row)) for name, row in lines.items()}
    return Panel(title, draw, _in_words(words, depth), _SIZE)


def _shares(steps: Sequence[int], shares: NDArray[np.float64]) -> Panel:
    """The heat map of |DG| / |FG| over layers and looks."""
    every = math.ceil(len(steps) / _TICKS)
    # The two parts may point against each other: then one is larger than the whole.
    over = "max" if np.nanmax(shares, initial=0) > 1.005 else "neither"

    def draw(axes: Axes) -> None:
        label = "direct / full gradient, norms"
        color_map(axes, shares.T, label=label, extend=over, cmap="cividis", origin="lower")
        axes.set_xticks(range(0, len(steps), every), [str(step) for step in steps[::every]])
        axes.set(xlabel="step", ylabel=_LAYER)

    words = {f"{_LAYER} {k}": dict(zip(steps, row, strict=True)) for k, row in enumerate(shares.T)}
    return Panel("Share of the direct gradient", draw, _in_words(words, "step"), _SIZE)


def _similarity(cka: Sequence[Sequence[float | None]]) -> Panel:
    found = np.array(cka, dtype=np.float64)  # None, of a constant exit, becomes NaN

    def draw(axes: Axes) -> None:
        color_map(axes, found, label="linear CKA", aspect="equal", origin="lower")
        axes.set(xlabel=_EXIT, ylabel=_EXIT)

    words = {f"{_EXIT} {k}": dict(enumerate(row)) for k, row in enumerate(found)}
    return Panel("Linear CKA", draw, _in_words(words, _EXIT), _SIZE)


def _in_words(lines: Mapping[str, Mapping[int, float]], over: str) -> str:
    return f"By {over}. " + "; ".join(
        f"{name}: "
        + ", ".join(f"{value:.3g} at {at}" for at, value in line.items() if np.isfinite(value))
        for name, line in lines.items()
    )
