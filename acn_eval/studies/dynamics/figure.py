"""Draws the course of a training: exits and gradients over steps, and similarity of exits."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap
from numpy.typing import NDArray

from acn_eval.charts.canvas import STYLES, Drawing, Panel
from acn_eval.charts.kinds import Sides, color_map, detail_charts

__all__ = ["drawings"]

_TICKS = 7
_SIZE = (4.6, 3.2)  # inches
_EXIT, _LAYER = "blocks executed", "layer (0: embedding)"
_PARTS = ("full", "direct", "mediated")


def drawings(sides: Sides) -> Iterator[Drawing]:
    """Yield the figures of one training, or the charts of several.

    A finished checkpoint is drawn over its depth. The names are ``training`` (after the paper's
    Fig. 1), ``gradients`` (after its Fig. 2) and ``similarity``.
    """
    (first, *others), *more = sides.values()
    if others or more:
        yield from detail_charts(sides)
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
    yield Drawing("training", f"{name}: exits on validation examples", (exits,))
    yield Drawing("gradients", f"{name}: gradients", gradients)
    yield Drawing("similarity", f"{name}: similarity of exits", (_similarity(details["cka"]),))


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
