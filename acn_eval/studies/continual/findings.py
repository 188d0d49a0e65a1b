"""Measures of accuracy matrices: over seeds, and of one network against another."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from acn_eval.results import EvalResult
from acn_eval.statistics.architectures import Student, pair_by_seed, seeds_only
from acn_eval.statistics.comparison import Estimate, Finding
from acn_eval.statistics.design import ARCHITECTURES, CHECKPOINTS, Design, Pair
from acn_eval.statistics.equivalence import CONFIDENCE
from acn_eval.studies.continual.accuracy_matrix import AccuracyMatrix

__all__ = [
    "INTRANSIGENCE",
    "SCENARIOS",
    "continual_findings",
    "contrast",
    "matrix_of",
    "read_off",
    "spread",
    "standing",
]

SCENARIOS: Mapping[str, str] = {"task_il": "task-IL", "class_il": "class-IL"}
"""The task of an image is known, or the prediction is among all classes so far."""
INTRANSIGENCE = "intransigence"
_WHOLE = "average accuracy"
_MEASURES: Mapping[str, tuple[str, float]] = {
    _WHOLE: ("average", 0.0),
    "accuracy right after learning": ("learning", 0.0),
    "forgetting": ("forgetting", -1.0),
    "forgetting, best ever": ("forgetting_best", -1.0),
    "forgetting, clamped": ("forgetting_clamped", 0.0),
    "backward transfer": ("backward_transfer", -1.0),
}
"""Properties of a matrix and the least that they can be (the most is 1); all but the first need
tasks in turn."""


def read_off(seen: AccuracyMatrix) -> dict[str, float]:
    """Return every measure that a matrix has, by name."""
    names = _MEASURES if seen.sequential else [_WHOLE]
    return {name: getattr(seen, _MEASURES[name][0]) for name in names}


def matrix_of(result: EvalResult, scenario: str = "task_il") -> AccuracyMatrix:
    """Return the accuracy matrix that a result of the continual suite keeps as counts."""
    kept = result.details["matrix"]
    return AccuracyMatrix(np.array(kept[scenario]) / np.array(kept["images"]))


def spread(values: NDArray[np.float64], least: float = -1.0) -> Estimate:
    """Return the mean of one value per seed (seeds,) with Student's 95 % limits.

    Limits end at `least` and at 1; those of a single seed are NaN.
    """
    if len(values) == 1:
        return Estimate(float(values[0]), math.nan, math.nan)
    return _within(seeds_only(values[:, None]), least, 1.0)


def standing(
    results: Sequence[EvalResult], joint: Sequence[EvalResult] = ()
) -> dict[str, Estimate]:
    """Return every measure of one network and method, as fractions by name and scenario.

    Args:
        results: one per seed.
        joint: of the same network, trained on all tasks at once: the reference of intransigence,
            which is there if every seed has one.
    """
    found = {
        _named(measure, scenario): _over_seeds(results, measure, scenario)
        for scenario in SCENARIOS
        for measure in _measures(results)
    }
    references, seen = (
        {result.checkpoint.training.get("seed"): matrix_of(result) for result in side}
        for side in (joint, results)
    )
    if seen.keys() <= references.keys() and _sequential(results):
        each = [own.intransigence(references[seed].values[-1]) for seed, own in seen.items()]
        found[INTRANSIGENCE] = spread(np.array(each))
    return found


def contrast(
    left: Sequence[EvalResult], right: Sequence[EvalResult], measure: str, scenario: str
) -> Estimate | None:
    """Return left - right of a measure with 95 % limits over seeds, NaN where one side has one.

    None where one side has no such measure: joint training forgets nothing.
    """
    if measure not in _measures([*left, *right]):
        return None
    if min(len(left), len(right)) == 1:
        ours, theirs = (_values(side, measure, scenario) for side in (left, right))
        return Estimate(float(ours.mean() - theirs.mean()), math.nan, math.nan)
    twins = pair_by_seed(*([r.checkpoint for r in side] for side in (left, right)))
    effect = _effect(Design(ARCHITECTURES, twins), (left, right), measure, scenario)
    return _within(effect, -2.0, 2.0)


def continual_findings(
    design: Design, candidates: Sequence[EvalResult], baselines: Sequence[EvalResult]
) -> tuple[Finding, ...]:
    """Return every measure of the accuracy matrix, in both scenarios, in percent.

    One result per seed; there are no findings where seeds are too few to vary.
    """
    if design.unit == CHECKPOINTS:
        return ()
    sides = candidates, baselines
    return tuple(
        _finding(design, sides, measure, scenario)
        for scenario in SCENARIOS
        for measure in _measures([*candidates, *baselines])
    )


_Sides = tuple[Sequence[EvalResult], Sequence[EvalResult]]


def _finding(design: Design, sides: _Sides, measure: str, scenario: str) -> Finding:
    pairing = "independent (Welch)" if design.twins is None else "as pairs"
    left, right = (_over_seeds(side, measure, scenario) for side in sides)
    effect = _effect(design, sides, measure, scenario)
    inner = _percent(_within(effect, -2.0, 2.0, CONFIDENCE))
    return Finding(
        name=_named(measure, scenario),
        unit="%",
        candidate=_percent(left),
        baseline=_percent(right),
        difference=_percent(_within(effect, -2.0, 2.0)),
        limits_90=(inner.low, inner.high),
        note=f"Student's t over seeds, {pairing}: it holds for these test images",
    )


def _effect(design: Design, sides: _Sides, measure: str, scenario: str) -> Student:
    ours, theirs = (_values(side, measure, scenario)[:, None] for side in sides)
    return seeds_only(*design.arms(Pair(ours, theirs)))


def _within(effect: Student, least: float, most: float, confidence: float = 0.95) -> Estimate:
    low, high = effect.interval(confidence)
    return Estimate(effect.value, max(least, low), min(most, high))


def _over_seeds(results: Sequence[EvalResult], measure: str, scenario: str) -> Estimate:
    return spread(_values(results, measure, scenario), _MEASURES[measure][1])


def _percent(e: Estimate) -> Estimate:
    return Estimate(100 * e.value, 100 * e.low, 100 * e.high)


def _measures(results: Sequence[EvalResult]) -> list[str]:
    return list(_MEASURES) if _sequential(results) else [_WHOLE]


def _sequential(results: Sequence[EvalResult]) -> bool:
    return all(matrix_of(result).sequential for result in results)


def _values(results: Sequence[EvalResult], measure: str, scenario: str) -> NDArray[np.float64]:
    name, _ = _MEASURES[measure]
    return np.array([getattr(matrix_of(result, scenario), name) for result in results])


def _named(measure: str, scenario: str) -> str:
    return f"{measure}, {SCENARIOS[scenario]}"
