"""Draws how a training went: exits and gradients over steps, and how alike the exits are."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from numpy.typing import NDArray

from acn_eval.foreign_text import drawn
from acn_eval.results import EvalResult

__all__ = ["of_result"]

_TICKS = 7
_Panel = Callable[[Figure, Axes, Mapping[str, Any]], None]
_LABEL = 120  # characters
_DEPTHS = mpl.colormaps["viridis"]  # ordered and told apart with any colour vision


def of_result(result: EvalResult) -> dict[str, Figure]:
    """Return the figures of one network by name; a finished checkpoint is drawn over its depth.

    The names are ``training`` (after the paper's Fig. 1), ``gradients`` (after its Fig. 2) and
    ``similarity``.
    """
    watched = len(result.details["steps"]) > 1
    panels: dict[str, tuple[str, Sequence[_Panel]]] = {
        "training": ("exits of validation", (_exits,) if watched else (_exits_by_depth,)),
        "gradients": (
            "gradients",
            (_norms, _shares) if watched else (_norms_by_depth,),
        ),
        "similarity": ("similarity of exits", (_similarity,)),
    }
    return {name: _figure(result, what, own) for name, (what, own) in panels.items()}


def _figure(result: EvalResult, what: str, panels: Sequence[_Panel]) -> Figure:
    figure = Figure((5.2 * len(panels), 3.6), layout="constrained")
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        panel(figure, axes, result.details)
    title = f"{result.checkpoint.name} on {result.data.name}: {what}"
    figure.suptitle(drawn(title, _LABEL), x=0.01, ha="left", fontsize=10)
    return figure


def _exits(figure: Figure, axes: Axes, details: Mapping[str, Any]) -> None:
    rows = 100 * np.array(details["validation"]["accuracy"])
    _lines(figure, axes, details["steps"], rows, "blocks executed")
    axes.set_ylabel(f"accuracy, % (validation, n = {details['validation']['n']})")
    axes.set_ylim(0, 100)


def _norms(figure: Figure, axes: Axes, details: Mapping[str, Any]) -> None:
    rows = _masked(details["gradients"]["full"])
    _lines(figure, axes, details["steps"], rows, "layer (0: embedding)")
    axes.set_ylabel("norm of the full gradient")
    axes.set_yscale("log")


def _shares(figure: Figure, axes: Axes, details: Mapping[str, Any]) -> None:
    """The heat map of |DG| / |FG| over layers and looks."""
    shares = np.array(details["gradients"]["direct"]) / _masked(details["gradients"]["full"])
    steps = details["steps"]
    image = axes.imshow(shares.T, cmap="cividis", vmin=0, vmax=1, aspect="auto", origin="lower")
    every = math.ceil(len(steps) / _TICKS)
    axes.set_xticks(range(0, len(steps), every), [str(step) for step in steps[::every]])
    axes.set_xlabel("step")
    axes.set_ylabel("layer (0: embedding)")
    # The two parts may point against each other: then one is larger than the whole.
    over = "max" if shares.filled(0).max() > 1.005 else "neither"
    figure.colorbar(image, ax=axes, label="direct / full gradient, norms", extend=over)


def _similarity(figure: Figure, axes: Axes, details: Mapping[str, Any]) -> None:
    cka = np.array(details["cka"], dtype=float)  # None, of a constant exit, becomes NaN
    image = axes.imshow(cka, cmap="viridis", vmin=0, vmax=1, origin="lower")
    axes.set_xlabel("blocks executed")
    axes.set_ylabel("blocks executed")
    figure.colorbar(image, ax=axes, label="linear CKA")


def _exits_by_depth(figure: Figure, axes: Axes, details: Mapping[str, Any]) -> None:
    (row,) = 100 * np.array(details["validation"]["accuracy"])
    axes.plot(range(len(row)), row, marker="o", color=_DEPTHS(0.3))
    axes.set_xlabel("blocks executed")
    axes.set_ylabel(f"accuracy, % (validation, n = {details['validation']['n']})")
    axes.set_ylim(0, 100)


def _norms_by_depth(figure: Figure, axes: Axes, details: Mapping[str, Any]) -> None:
    for part, marker, place in (
        ("full", "o", 0.0),
        ("direct", "s", 0.45),
        ("mediated", "^", 0.8),
    ):
        (row,) = _masked(details["gradients"][part])
        axes.plot(range(len(row)), row, marker=marker, color=_DEPTHS(place), label=part)
    axes.set_xlabel("layer (0: embedding)")
    axes.set_ylabel("norm of the gradient")
    axes.set_yscale("log")
    axes.legend(frameon=False)


def _lines(
    figure: Figure, axes: Axes, steps: Sequence[int], rows: NDArray[np.float64], depth: str
) -> None:
    """One line per depth of rows (steps, depths), from dark to light."""
    depths = rows.shape[1]
    for i in range(depths):
        axes.plot(steps, rows[:, i], color=_DEPTHS(i / max(depths - 1, 1)), linewidth=1.6)
    axes.set_xlabel("step")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="0.9", linewidth=0.8)
    scale = mpl.colors.BoundaryNorm(np.arange(depths + 1) - 0.5, _DEPTHS.N)
    bar = figure.colorbar(ScalarMappable(scale, _DEPTHS), ax=axes, label=depth)
    bar.set_ticks(list(range(depths)))


def _masked(rows: Sequence[Sequence[float]]) -> np.ma.MaskedArray[Any, np.dtype[np.float64]]:
    """Hide gradients that are exactly 0: they have no logarithm, and no shares."""
    return np.ma.masked_equal(np.array(rows, dtype=np.float64), 0.0)
