"""Draws what is kept of tasks learned in turn: over the tasks, over the depth, task by task."""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from acn_eval.foreign_text import drawn
from acn_eval.results import EvalResult
from acn_eval.studies.continual.accuracy_matrix import AccuracyMatrix
from acn_eval.studies.continual.findings import SCENARIOS, matrix_of, spread

__all__ = ["of_comparison"]

_COLOURS = ("#0072B2", "#D55E00")  # the first two of Okabe and Ito's, as in all other figures
_MARKERS = ("o", "s")
_INCHES = (3.9, 3.4)
_LABEL = 48  # characters
_EXITS = {"average": ("accuracy at the end", "%"), "forgetting": ("forgetting", "points")}
Sides = Mapping[str, Sequence[EvalResult]]


def of_comparison(sides: Sides, title: str) -> dict[str, Figure]:
    """Return the curves of both sides and their mean matrices; nothing of joint training.

    Bands are 95 % limits over seeds (Student's t).

    Args:
        sides: results, one per seed, by label.
        title: stands above the panels.
    """
    every = [result for own in sides.values() for result in own]
    if not all(matrix_of(result).sequential for result in every):
        return {}
    figure = Figure((3 * _INCHES[0], 2 * _INCHES[1]), layout="constrained")
    above, below = figure.subplots(2, 3)
    for axes, scenario in zip(above, SCENARIOS, strict=False):
        _over_tasks(axes, sides, scenario)
    for axes, (label, results) in zip(below, sides.items(), strict=False):
        _matrix(axes, label, results)
    _over_exits(above[2], sides, "average")
    _over_exits(below[2], sides, "forgetting")
    above[0].legend(frameon=False, fontsize=8)
    text = "\n".join(textwrap.wrap(drawn(title, 1000), int(3 * _INCHES[0] * 12)))
    figure.suptitle(text, x=0.01, ha="left", fontsize=10)
    return {"forgetting": figure}


def _over_tasks(axes: Axes, sides: Sides, scenario: str) -> None:
    _lines(axes, sides, lambda result: matrix_of(result, scenario).curve(), first=1)
    axes.set_title(f"mean over the tasks so far, {SCENARIOS[scenario]}", fontsize=10, loc="left")
    axes.set_xlabel("tasks learned")
    axes.set_ylabel("accuracy, % (band: 95 %)")
    axes.set_ylim(0, 100)


def _over_exits(axes: Axes, sides: Sides, measure: Literal["average", "forgetting"]) -> None:
    _lines(axes, sides, lambda result: _by_exit(result, measure), first=0)
    what, unit = _EXITS[measure]
    axes.set_title(f"every exit: {what}, task-IL", fontsize=10, loc="left")
    axes.set_xlabel("blocks executed")
    axes.set_ylabel(f"{unit} (band: 95 %)")


def _by_exit(result: EvalResult, measure: str) -> NDArray[np.float64]:
    counts = np.array(result.details["exits"])
    images = np.array(result.details["matrix"]["images"])
    exits = [AccuracyMatrix(counts[:, k] / images) for k in range(counts.shape[1])]
    return np.array([getattr(each, measure) for each in exits])


def _lines(
    axes: Axes, sides: Sides, read: Callable[[EvalResult], NDArray[np.float64]], *, first: int
) -> None:
    for (label, results), color, marker in zip(sides.items(), _COLOURS, _MARKERS, strict=False):
        rows = np.array([read(result) for result in results])
        points = [spread(column) for column in rows.T]
        at = np.arange(first, first + len(points))
        low, high = ([100 * getattr(p, side) for p in points] for side in ("low", "high"))
        axes.fill_between(at, low, high, color=color, alpha=0.15, linewidth=0)
        values = [100 * p.value for p in points]
        name = drawn(label, _LABEL)
        axes.plot(at, values, color=color, marker=marker, markersize=4, label=name)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="0.9", linewidth=0.8)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _matrix(axes: Axes, label: str, results: Sequence[EvalResult]) -> None:
    mean = np.mean([matrix_of(result).values for result in results], axis=0)
    known = np.tril(np.ones_like(mean)) > 0
    shown = np.where(known, 100 * mean, np.nan)
    axes.imshow(shown, cmap="viridis", vmin=0, vmax=100)
    name = drawn(label.partition(" (")[0], _LABEL)
    axes.set_title(f"{name}: task-IL, %", fontsize=10, loc="left")
    axes.set_xlabel("task")
    axes.set_ylabel("tasks learned")
    ticks: Any = range(0, len(mean), max(1, len(mean) // 5))
    axes.set_xticks(ticks, [str(t + 1) for t in ticks])
    axes.set_yticks(ticks, [str(t + 1) for t in ticks])
    if len(mean) <= 10:
        _numbers(axes, shown)


def _numbers(axes: Axes, shown: NDArray[np.float64]) -> None:
    colours = mpl.colormaps["viridis"]
    for (row, column), value in np.ndenumerate(shown):
        if np.isnan(value):
            continue
        light = sum(colours(value / 100)[:3]) > 1.5
        axes.text(
            column,
            row,
            f"{value:.0f}",
            ha="center",
            va="center",
            fontsize=7,
            color="black" if light else "white",
        )
