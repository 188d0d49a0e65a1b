"""Findings of low-data trainings beside their accuracies: losses, and sources of variance."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from acn_eval.results import Cell, EvalResult, Scalar
from acn_eval.statistics.architectures import crossed, over_examples
from acn_eval.statistics.comparison import Estimate, Finding
from acn_eval.statistics.curves import trapezoid
from acn_eval.statistics.design import CHECKPOINTS, Design, Pair
from acn_eval.studies.low_data.variance import components

__all__ = ["learning_findings", "log_trapezoid"]

Conditions = Sequence[Mapping[str, Scalar]]


class _Table(NamedTuple):
    """One measure of one side: conditions, and values (draws, conditions, repeats, images)."""

    conditions: tuple[Mapping[str, Scalar], ...]
    values: NDArray[np.float64]


def log_trapezoid(conditions: Conditions) -> NDArray[np.float64]:
    """Weights of the area under a curve over log ``per_class``, whatever the order of the sizes.

    The trapezoid rule, to be divided by the range of log k; a single size has weight 1.

    >>> log_trapezoid([{"per_class": 5}, {"per_class": 50}, {"per_class": 500}]).round(3).tolist()
    [1.151, 2.303, 1.151]
    """
    return trapezoid(np.log([float(c["per_class"]) for c in conditions]))


def learning_findings(
    design: Design, candidates: Sequence[EvalResult], baselines: Sequence[EvalResult]
) -> tuple[Finding, ...]:
    """Return the mean loss at every size, and the parts of the variance of the area.

    One result per draw. Losses have no upper end, so the score method does not apply: Student's t
    over draws and images, or over images alone where there are too few draws. There are no
    findings where results do not have the same images.
    """
    return (*_losses(design, candidates, baselines), *_parts(candidates, baselines))


def _losses(
    design: Design, candidates: Sequence[EvalResult], baselines: Sequence[EvalResult]
) -> tuple[Finding, ...]:
    left, right = (_table(side, "loss") for side in (candidates, baselines))
    if left is None or right is None or left.values.shape[1:] != right.values.shape[1:]:
        return ()
    pairs = [
        Pair(left.values[:, i].mean(axis=1), right.values[:, i].mean(axis=1))
        for i in range(len(left.conditions))
    ]
    examples = f"{candidates[0].checkpoint.example}s"
    sample = examples if design.unit == CHECKPOINTS else f"draws and {examples}"
    return tuple(
        Finding(
            name=f"loss, {condition['per_class']} per class",
            unit="nats",
            candidate=_over(design, pair.candidate),
            baseline=_over(design, pair.baseline),
            difference=_over(design, *design.arms(pair)),
            note=f"cross entropy; Student's t over {sample}",
        )
        for condition, pair in zip(left.conditions, pairs, strict=True)
    )


def _over(design: Design, *arms: NDArray[np.float64]) -> Estimate:
    """Return the sum of the arms' means, each (draws, images), with 95 % limits."""
    if design.unit == CHECKPOINTS:
        effect = over_examples(np.sum([arm.mean(axis=0) for arm in arms], axis=0))
    else:
        effect = crossed(*arms)
    return Estimate(effect.value, *effect.interval())


def _parts(
    candidates: Sequence[EvalResult], baselines: Sequence[EvalResult]
) -> tuple[Finding, ...]:
    sides = [_areas(side) for side in (candidates, baselines)]
    if any(area is None or len(area) < 2 for area in sides):
        return ()
    left, right = (components(area) for area in sides if area is not None)
    example = candidates[0].checkpoint.example
    return tuple(
        Finding(
            name=f"variance of the area: {name.replace('image', example)}",
            unit="points²",
            candidate=_squared_points(left[name]),
            baseline=_squared_points(right[name]),
            difference=None,
            note="analysis of variance, not truncated: a small part may come out negative",
        )
        for name in left
        if name in right
    )


def _areas(results: Sequence[EvalResult]) -> NDArray[np.float64] | None:
    """Return the area under every network's curve, (draws, repeats, images)."""
    table = _table(results, "correct")
    if table is None:
        return None
    weights = log_trapezoid(table.conditions)
    return np.asarray(np.einsum("k,dksi->dsi", weights / weights.sum(), table.values))


def _table(results: Sequence[EvalResult], measure: str) -> _Table | None:
    """Return the table of a side; None where conditions, repeats or images are not alike."""
    sides = [_by_condition(result, measure) for result in results]
    names = list(sides[0])
    if not names or any(list(side) != names for side in sides):
        return None
    cells = [[side[name] for name in names] for side in sides]
    ids = {np.sort(cell.ids).tobytes() for row in cells for repeats in row for cell in repeats}
    counts = {len(repeats) for row in cells for repeats in row}
    if len(counts) > 1 or len(ids) > 1:
        return None
    values = [
        [[cell.values[np.argsort(cell.ids)] for cell in repeats] for repeats in row]
        for row in cells
    ]
    return _Table(tuple(dict(name) for name in names), np.array(values, dtype=np.float64))


def _by_condition(
    result: EvalResult, measure: str
) -> dict[tuple[tuple[str, Scalar], ...], list[Cell]]:
    """Cells of a measure by condition without its repeat; repeats are in their order."""
    found: dict[tuple[tuple[str, Scalar], ...], list[Cell]] = {}
    own = [cell for cell in result.cells if cell.measure == measure]
    for cell in sorted(own, key=lambda cell: cell.condition.get("repeat", 0)):
        name = tuple((k, v) for k, v in cell.condition.items() if k != "repeat")
        found.setdefault(name, []).append(cell)
    return found


def _squared_points(e: Estimate) -> Estimate:
    return Estimate(*(100.0**2 * x for x in (e.value, e.low, e.high)))
