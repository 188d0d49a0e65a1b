"""How many blocks a network needs: the cut-off depth, with a proven interval."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from acn_eval.results import Cell, EvalResult
from acn_eval.statistics.architectures import Student, seeds_only
from acn_eval.statistics.comparison import Estimate, Finding
from acn_eval.statistics.design import CHECKPOINTS, Design, Pair
from acn_eval.statistics.equivalence import CONFIDENCE
from acn_eval.statistics.score import BoundedSample

__all__ = ["Cut", "cut_depth", "cut_of", "depth_findings", "exits_of", "images_needed"]


@dataclass(frozen=True)
class Cut:
    """The depth from which on every exit is within the tolerance of the last.

    Attributes:
        estimate: plug-in, blocks.
        low, high: limits of the depth, blocks; `high` is proven: at the stated confidence it and
            every deeper exit lose less than the tolerance.
        depth: blocks of the whole network.
        tolerance: accuracy that may be lost, a fraction of 1.
        n: images.
    """

    estimate: int
    low: int
    high: int
    depth: int
    tolerance: float
    n: int


def cut_depth(correct: NDArray[np.floating], tolerance: float, confidence: float = 0.95) -> Cut:
    """Return ``k* = min{k : every exit j >= k is within the tolerance of the last}``.

    The upper limit tests non-inferiority from exit L - 1 downwards and stops at the first
    failure; the lower limit tests inferiority from exit 0 upwards, likewise: tests in a fixed
    order need no correction. Each has half of 1 - confidence, by the score method on paired
    images. The smallest exit that passes on its own would be too early.

    Args:
        correct: (exits, n), 1 / 0, exits 0 .. L of the same images.
        tolerance: accuracy that may be lost.
        confidence: of the interval.
    """
    depth, n = len(correct) - 1, correct.shape[1]
    losses = correct.astype(np.float64) - correct[-1]
    within = losses.mean(axis=1) >= -tolerance - 1e-12
    critical = _critical(confidence)
    z = [BoundedSample.of(loss).z(-tolerance) for loss in losses[:-1]]
    return Cut(
        estimate=depth - _run(within[::-1]) + 1,
        low=_run(np.array([score < -critical for score in z])),
        high=depth - _run(np.array([score > critical for score in z])[::-1]),
        depth=depth,
        tolerance=tolerance,
        n=n,
    )


def images_needed(tolerance: float, confidence: float = 0.95) -> int:
    """Return how many images prove a cut of exits that agree on every one of them.

    With fewer, the upper limit is the whole depth, unless an exit is better than the last.

    >>> images_needed(0.005), images_needed(0.02)
    (765, 189)
    """
    return math.floor(_critical(confidence) ** 2 * (1 - tolerance) / tolerance) + 1


def exits_of(result: EvalResult) -> NDArray[np.float64]:
    """Return correctness (exits, n) of exits 0 .. L on undisturbed images, by ascending id."""
    cells = {c.condition["exit"]: c for c in result.cells if _on_clean_exit(c)}
    depths = sorted(k for k in cells if isinstance(k, int))
    return np.array([cells[k].values[np.argsort(cells[k].ids)] for k in depths], np.float64)


def cut_of(result: EvalResult, confidence: float = 0.95) -> Cut | None:
    """Return the cut on the test images of a result; None where the network has no exits."""
    exits = exits_of(result)
    if len(exits) < 2:
        return None
    return cut_depth(exits, float(result.details["tolerance"]), confidence)


def depth_findings(
    design: Design, candidates: Sequence[EvalResult], baselines: Sequence[EvalResult]
) -> tuple[Finding, ...]:
    """Return the share of the network that each side needs, and their difference.

    Two checkpoints: each cut with its proven interval; the difference from both at half the
    error. Architectures: the plug-in cut per training seed, Student's t over seeds.
    """
    sides = [[cut_of(r) for r in side] for side in (candidates, baselines)]
    if any(cut is None for side in sides for cut in side):
        return ()
    if design.unit == CHECKPOINTS:
        return _of_files(candidates, baselines)
    shares = Pair(*(_shares(side) for side in (candidates, baselines)))
    rounding = [_rounding(side) for side in (candidates, baselines)]
    effect = seeds_only(*design.arms(shares))
    inner = _percent(effect, sum(rounding), CONFIDENCE)
    return (
        Finding(
            name="share of the network needed",
            unit="%",
            candidate=_percent(seeds_only(shares.candidate), rounding[0]),
            baseline=_percent(seeds_only(shares.baseline), rounding[1]),
            difference=_percent(effect, sum(rounding)),
            note="plug-in cut of every training seed on these test images; interval over seeds",
            limits_90=(inner.low, inner.high),
        ),
    )


def _of_files(
    candidates: Sequence[EvalResult], baselines: Sequence[EvalResult]
) -> tuple[Finding, ...]:
    if len(candidates) > 1 or len(baselines) > 1:
        return ()
    difference, inner = (
        _apart(*(_estimate(side[0], level) for side in (candidates, baselines)))
        for level in (0.975, (1 + CONFIDENCE) / 2)
    )
    return (
        Finding(
            name="share of the network needed",
            unit="%",
            candidate=_estimate(candidates[0], 0.95),
            baseline=_estimate(baselines[0], 0.95),
            difference=difference,
            note="proven limits; those of the difference are conservative",
            limits_90=(inner.low, inner.high),
        ),
    )


def _apart(left: Estimate, right: Estimate) -> Estimate:
    """Return the difference of two numbers, each of which may be at either limit."""
    return Estimate(left.value - right.value, left.low - right.high, left.high - right.low)


def _estimate(result: EvalResult, confidence: float) -> Estimate:
    cut = cut_of(result, confidence)
    assert cut is not None
    value, low, high = (100 * k / cut.depth for k in (cut.estimate, cut.low, cut.high))
    return Estimate(value, low, high)


def _shares(results: Sequence[EvalResult]) -> NDArray[np.float64]:
    cuts = [cut for cut in map(cut_of, results) if cut is not None]
    return np.array([[100 * cut.estimate / cut.depth] for cut in cuts])


def _rounding(results: Sequence[EvalResult]) -> float:
    """Variance of a mean cut that is due to whole blocks alone: 1 / 12 block squared per seed."""
    depth = len(exits_of(results[0])) - 1
    return (100 / depth) ** 2 / 12 / len(results)


def _percent(effect: Student, rounding: float, confidence: float = 0.95) -> Estimate:
    """Seeds that all cut at one block are not certain: they agree to a block."""
    wide = replace(effect, variance=max(effect.variance, rounding))
    return Estimate(effect.value, *wide.interval(confidence))


def _on_clean_exit(cell: Cell) -> bool:
    condition = cell.condition
    return condition.get("corruption") == "clean" and "exit" in condition


def _critical(confidence: float) -> float:
    return float(ndtri((1 + confidence) / 2))


def _run(passed: NDArray[np.bool_]) -> int:
    """Number of True before the first False."""
    return int(np.argmin(np.append(passed, False)))
