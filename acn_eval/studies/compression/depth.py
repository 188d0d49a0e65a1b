"""How many blocks a network needs: the cut-off depth, with a proven interval."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from acn_eval.results import EvalResult
from acn_eval.statistics.architectures import Student
from acn_eval.statistics.comparison import Estimate, Finding
from acn_eval.statistics.design import CHECKPOINTS, Design, Pair
from acn_eval.statistics.equivalence import CONFIDENCE
from acn_eval.statistics.noninferiority import p_below
from acn_eval.statistics.rows import estimate
from acn_eval.statistics.score import BoundedSample
from acn_eval.studies.compression.collapse import artefact

__all__ = [
    "Cut",
    "cut_depth",
    "cut_of",
    "depth_findings",
    "exits_of",
    "images_needed",
    "over_seeds",
]


@dataclass(frozen=True)
class Cut:
    """The depth from which on every exit is within the tolerance of the last.

    Attributes:
        estimate: plug-in, blocks.
        low, high: limits, blocks; `high` is proven: at the stated confidence, this exit and every
            deeper one lose less than the tolerance.
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
    images; inferiority is `p_below`. The smallest exit that passes on its own would be too early.

    Args:
        correct: (exits, n), 1 / 0, exits 0 .. L of the same images.
        tolerance: accuracy that may be lost, a fraction of 1.
        confidence: of the interval.
    """
    depth, n = len(correct) - 1, correct.shape[1]
    losses = correct.astype(np.float64) - correct[-1]
    within = losses.mean(axis=1) >= -tolerance - 1e-12
    samples = [BoundedSample.of(loss) for loss in losses[:-1]]
    p_low = [p_below(sample, -tolerance) for sample in samples]
    z = [sample.z(-tolerance) for sample in samples]
    return Cut(
        estimate=depth - _run(within[::-1]) + 1,
        low=_run(np.array([p < (1 - confidence) / 2 for p in p_low])),
        high=depth - _run(np.array([score > _critical(confidence) for score in z])[::-1]),
        depth=depth,
        tolerance=tolerance,
        n=n,
    )


def images_needed(tolerance: float, confidence: float = 0.95) -> int:
    """Return how many images prove a cut if all exits agree on every image.

    With fewer, the upper limit is the whole depth, unless an exit is better than the last.

    >>> images_needed(0.005), images_needed(0.02)
    (765, 189)
    """
    return math.floor(_critical(confidence) ** 2 * (1 - tolerance) / tolerance) + 1


def exits_of(result: EvalResult) -> NDArray[np.float64]:
    """Return correctness (exits, n) of exits 0 .. L on clean images, by ascending id."""
    clean = [c for c in result.cells if c.condition.get("corruption") == "clean"]
    cells = {c.condition["exit"]: c for c in clean if "exit" in c.condition}
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

    Two checkpoints have cuts with proven intervals; the difference combines both at half the
    error. Architectures have the plug-in cut of every training seed, with `over_seeds`. The caveat
    names blocks that are not needed, and could not tell tokens apart from the start.
    """
    sides = candidates, baselines
    cuts = [[cut for r in side if (cut := cut_of(r))] for side in sides]
    if list(map(len, cuts)) != list(map(len, sides)):
        return ()
    if design.unit != CHECKPOINTS:
        found = _of_seeds(design, *cuts, example=candidates[0].checkpoint.example)
    elif list(map(len, sides)) == [1, 1]:
        found = _of_files(candidates[0], baselines[0])
    else:
        return ()
    caveats = (artefact(r, [c.estimate for c in own]) for r, own in zip(sides, cuts, strict=True))
    return (replace(found, caveat=" ".join(filter(None, caveats))),)


def over_seeds(block: float, *arms: NDArray[np.float64]) -> Student:
    """Return the sum of the arms' means over seeds that cut at whole blocks.

    Seeds that all cut at one block are not certain, because the next may cut elsewhere. So one
    block is added to every arm's sum of squares. Student's t with Welch's degrees of freedom then
    covers .95 or more for cuts that scatter over neighboring blocks, but not if one seed in ten
    needs the whole network. Arms are cuts (S,) of independent seeds each, or one of differences
    for twins; `block` is one block in their unit.
    """
    parts = [
        (float(np.var(arm)) * len(arm) + block**2) / (len(arm) * (len(arm) - 1)) for arm in arms
    ]
    variance = sum(parts)
    spread = sum(part**2 / (len(arm) - 1) for part, arm in zip(parts, arms, strict=True))
    return Student(float(sum(arm.mean() for arm in arms)), variance, variance**2 / spread)


def _of_seeds(
    design: Design, ours: Sequence[Cut], theirs: Sequence[Cut], *, example: str
) -> Finding:
    block = 100 / min(ours[0].depth, theirs[0].depth)
    left, right = (np.array([[100 * c.estimate / c.depth] for c in s]) for s in (ours, theirs))
    shares = Pair(left, right)
    difference = over_seeds(block, *(arm[:, 0] for arm in design.arms(shares)))
    return Finding(
        name="share of the network needed",
        unit="%",
        candidate=_share(over_seeds(block, shares.candidate[:, 0])),
        baseline=_share(over_seeds(block, shares.baseline[:, 0])),
        difference=estimate(difference),
        note=f"plug-in cut of every training seed on these test {example}s: {_counted(ours)} "
        f"against {_counted(theirs)}; interval over seeds",
        limits_90=difference.interval(CONFIDENCE),
    )


def _share(effect: Student) -> Estimate:
    found = estimate(effect)
    return replace(found, low=max(found.low, 0.0), high=min(found.high, 100.0))


def _counted(cuts: Sequence[Cut]) -> str:
    """E.g. ``2 of 8 blocks in 4, 3 in 1 of 5 seeds``."""
    counts = sorted(Counter(cut.estimate for cut in cuts).items())
    (first, often), *others = counts
    more = "".join(f", {cut} in {count}" for cut, count in others)
    return f"{first} of {cuts[0].depth} blocks in {often}{more} of {len(cuts)} seeds"


def _of_files(candidate: EvalResult, baseline: EvalResult) -> Finding:
    difference, inner = (
        _apart(_estimate(candidate, level), _estimate(baseline, level))
        for level in (0.975, (1 + CONFIDENCE) / 2)
    )
    return Finding(
        name="share of the network needed",
        unit="%",
        candidate=_estimate(candidate, 0.95),
        baseline=_estimate(baseline, 0.95),
        difference=difference,
        note="proven limits; those of the difference are conservative",
        limits_90=(inner.low, inner.high),
    )


def _apart(left: Estimate, right: Estimate) -> Estimate:
    """Return the difference of two numbers, each of which may be at either limit."""
    return Estimate(left.value - right.value, left.low - right.high, left.high - right.low)


def _estimate(result: EvalResult, confidence: float) -> Estimate:
    cut = cut_of(result, confidence)
    assert cut is not None
    value, low, high = (100 * k / cut.depth for k in (cut.estimate, cut.low, cut.high))
    return Estimate(value, low, high)


def _critical(confidence: float) -> float:
    return float(ndtri((1 + confidence) / 2))


def _run(passed: NDArray[np.bool_]) -> int:
    """Number of True before the first False."""
    return int(np.argmin(np.append(passed, False)))
