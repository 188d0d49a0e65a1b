"""Draws accuracy and forgetting of tasks learned in turn: over tasks, over depth, by task."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from acn_eval.charts.canvas import Drawing, Panel
from acn_eval.charts.kinds import Line, Sides, color_map, curves, detail_charts
from acn_eval.results import EvalResult
from acn_eval.studies.continual.accuracy_matrix import AccuracyMatrix
from acn_eval.studies.continual.findings import SCENARIOS, matrix_of, spread

__all__ = ["drawings"]

_TICKS = 5


def drawings(sides: Sides) -> Iterator[Drawing]:
    """Yield the curves of both sides and their mean matrices, or the charts of one network.

    Bands are 95 % limits over seeds (Student's t).

    Args:
        sides: results, one per seed, by label.
    """
    every = [result for own in sides.values() for result in own]
    if len(sides) < 2 or not all(matrix_of(result).sequential for result in every):
        yield from detail_charts(sides)
        return
    tasks = {
        f"mean over the tasks so far, {words}": _lines(sides, partial(_by_task, scenario), first=1)
        for scenario, words in SCENARIOS.items()
    }
    kept = _lines(sides, partial(_by_exit, "average"))
    forgotten = _lines(sides, partial(_by_exit, "forgetting"), least=-1)
    maps = [_matrix(label, own) for label, own in sides.items()]
    caption = "In %, forgetting in points; bands: 95 % over seeds"
    panels = (
        *curves(tasks, x_label="tasks learned"),
        *curves({"every exit: accuracy at the end, task-IL": kept}, x_label="blocks executed"),
        *maps,
        *curves({"every exit: forgetting, task-IL": forgotten}, x_label="blocks executed"),
    )
    yield Drawing("forgetting", caption, panels, tuple(sides))


def _by_task(scenario: str, result: EvalResult) -> NDArray[np.float64]:
    return matrix_of(result, scenario).curve()


def _by_exit(measure: str, result: EvalResult) -> NDArray[np.float64]:
    counts = np.array(result.details["exits"])
    images = np.array(result.details["matrix"]["images"])
    exits = [AccuracyMatrix(counts[:, k] / images) for k in range(counts.shape[1])]
    return np.array([getattr(seen, measure) for seen in exits])


def _lines(
    sides: Sides,
    read: Callable[[EvalResult], NDArray[np.float64]],
    *,
    first: int = 0,
    least: float = 0.0,
) -> dict[str, Line]:
    rows = {label: np.array([read(result) for result in own]) for label, own in sides.items()}
    return {
        label: [(first + at, spread(column, least)) for at, column in enumerate(own.T)]
        for label, own in rows.items()
    }


def _matrix(label: str, results: Sequence[EvalResult]) -> Panel:
    mean = np.mean([matrix_of(result).values for result in results], axis=0)
    known = np.tril(np.ones_like(mean)) > 0

    def draw(axes: Axes) -> None:
        color_map(axes, np.where(known, 100 * mean, np.nan), highest=100, aspect="equal")
        axes.set(xlabel="task", ylabel="tasks learned")
        ticks = range(0, len(mean), max(1, len(mean) // _TICKS))
        axes.set_xticks(ticks, [str(t + 1) for t in ticks])
        axes.set_yticks(ticks, [str(t + 1) for t in ticks])

    words = "; ".join(
        f"after {after} tasks: " + ", ".join(f"{100 * value:.1f}" for value in row[:after])
        for after, row in enumerate(mean, start=1)
    )
    return Panel(f"{label.partition(' (')[0]}: task-IL, %", draw, f"By task, {words}")
