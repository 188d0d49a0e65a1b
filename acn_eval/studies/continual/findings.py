"""What networks keep of tasks learned in turn: over seeds, and one against another."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from acn_eval.results import EvalResult
from acn_eval.statistics.architectures import pair_by_seed, seeds_only
from acn_eval.statistics.comparison import Estimate, Finding
from acn_eval.statistics.design import ARCHITECTURES, CHECKPOINTS, Design, Pair
from acn_eval.statistics.equivalence import CONFIDENCE
from acn_eval.studies.continual.accuracy_matrix import AccuracyMatrix

__all__ = [
    "INTRANSIGENCE",
    "MEASURES",
    "SCENARIOS",
    "Measure",
    "Standing",
    "continual_findings",
    "contrast",
    "matrix_of",
    "read_off",
    "spread",
    "standing",
]

SCENARIOS: Mapping[str, str] = {"task_il": "task-IL", "class_il": "class-IL"}
"""The image's own task is known, or any class so far may be answered."""


class Measure(NamedTuple):
    """What is read off an accuracy matrix, and the least that it can be (the most is 1)."""

    read: Callable[[AccuracyMatrix], float]
    least: float = -1.0


MEASURES: Mapping[str, Measure] = {
    "average accuracy": Measure(lambda seen: seen.average, 0.0),
    "accuracy right after learning": Measure(lambda seen: seen.learning, 0.0),
    "forgetting": Measure(lambda seen: seen.forgetting),
    "forgetting, best ever": Measure(lambda seen: seen.forgetting_best),
    "forgetting, clamped": Measure(lambda seen: seen.forgetting_clamped, 0.0),
    "backward transfer": Measure(lambda seen: seen.backward_transfer),
}
"""By name; all but the first need tasks in turn."""
INTRANSIGENCE = "intransigence"
_WHOLE = "average accuracy"


@dataclass(frozen=True)
class Standing:
    """One network with one method, over its seeds.

    Attributes:
        name: of the network and method.
        seeds: how many.
        values: fractions by name of the measure and scenario, with 95 % limits over seeds, which
            are NaN where there is one seed.
    """

    name: str
    seeds: int
    values: Mapping[str, Estimate]


def read_off(seen: AccuracyMatrix) -> dict[str, float]:
    """Return every measure that a matrix has, by name."""
    names = MEASURES if seen.sequential else [_WHOLE]
    return {name: MEASURES[name].read(seen) for name in names}


def matrix_of(result: EvalResult, scenario: str = "task_il") -> AccuracyMatrix:
    """Return the accuracy matrix that a result of the continual suite keeps as counts."""
    kept = result.details["matrix"]
    return AccuracyMatrix(np.array(kept[scenario]) / np.array(kept["images"]))


def spread(values: NDArray[np.float64], least: float = -1.0, most: float = 1.0) -> Estimate:
    """Return the mean of one value per seed (seeds,) with Student's 95 % limits.

    Limits end at the least and the most that a value can be.
    """
    if len(values) == 1:
        return Estimate(float(values[0]), float("nan"), float("nan"))
    effect = seeds_only(values[:, None])
    low, high = effect.interval()
    return Estimate(effect.value, max(least, low), min(most, high))


def standing(
    name: str, results: Sequence[EvalResult], joint: Sequence[EvalResult] = ()
) -> Standing:
    """Return what is known of the seeds of one network and method.

    Args:
        name: for tables.
        results: one per seed.
        joint: of the same network, trained on all tasks at once: the reference of intransigence,
            which is there if every seed has one.
    """
    values = {
        _named(measure, scenario): _over_seeds(results, measure, scenario)
        for scenario in SCENARIOS
        for measure in _measures(results)
    }
    references = {_seed(result): matrix_of(result).values[-1] for result in joint}
    seen = {_seed(result): matrix_of(result) for result in results}
    if seen.keys() <= references.keys() and _sequential(results):
        each = [seen[seed].intransigence(references[seed]) for seed in seen]
        values[INTRANSIGENCE] = spread(np.array(each))
    return Standing(name, len(results), values)


def contrast(
    left: Sequence[EvalResult], right: Sequence[EvalResult], measure: str, scenario: str
) -> Estimate | None:
    """Return left - right of a measure with 95 % limits over seeds, NaN where one side has one.

    None where one side has no such measure: joint training forgets nothing.
    """
    if measure not in _measures([*left, *right]):
        return None
    design = Design(
        ARCHITECTURES, pair_by_seed(*([r.checkpoint for r in s] for s in (left, right)))
    )
    return _difference(design, left, right, measure, scenario)


def _difference(
    design: Design,
    left: Sequence[EvalResult],
    right: Sequence[EvalResult],
    measure: str,
    scenario: str,
    confidence: float = 0.95,
) -> Estimate:
    ours, theirs = (_values(side, measure, scenario)[:, None] for side in (left, right))
    if min(len(ours), len(theirs)) == 1:
        return Estimate(float(ours.mean() - theirs.mean()), math.nan, math.nan)
    effect = seeds_only(*design.arms(Pair(ours, theirs)))
    low, high = effect.interval(confidence)
    return Estimate(effect.value, max(-2.0, low), min(2.0, high))


def continual_findings(
    design: Design, candidates: Sequence[EvalResult], baselines: Sequence[EvalResult]
) -> tuple[Finding, ...]:
    """Return every measure of the accuracy matrix, in both scenarios, in percent.

    One result per seed; nothing is found where there are too few of them to vary.
    """
    if design.unit == CHECKPOINTS:
        return ()
    both = [*candidates, *baselines]
    pairing = "independent (Welch)" if design.twins is None else "as pairs"
    found = []
    for scenario in SCENARIOS:
        for measure in _measures(both):
            sides = (candidates, baselines)
            left, right = (_over_seeds(side, measure, scenario) for side in sides)
            inner = _difference(design, *sides, measure, scenario, CONFIDENCE)
            found.append(
                Finding(
                    name=_named(measure, scenario),
                    unit="%",
                    candidate=_percent(left),
                    baseline=_percent(right),
                    difference=_percent(_difference(design, *sides, measure, scenario)),
                    limits_90=(100 * inner.low, 100 * inner.high),
                    note=f"Student's t over seeds, {pairing}: it holds for these test images",
                )
            )
    return tuple(found)


def _over_seeds(results: Sequence[EvalResult], measure: str, scenario: str) -> Estimate:
    return spread(_values(results, measure, scenario), MEASURES[measure].least)


def _percent(e: Estimate) -> Estimate:
    return Estimate(100 * e.value, 100 * e.low, 100 * e.high)


def _measures(results: Sequence[EvalResult]) -> list[str]:
    return list(MEASURES) if _sequential(results) else [_WHOLE]


def _sequential(results: Sequence[EvalResult]) -> bool:
    return all(matrix_of(result).sequential for result in results)


def _values(results: Sequence[EvalResult], measure: str, scenario: str) -> NDArray[np.float64]:
    return np.array([MEASURES[measure].read(matrix_of(result, scenario)) for result in results])


def _named(measure: str, scenario: str) -> str:
    return f"{measure}, {SCENARIOS[scenario]}"


def _seed(result: EvalResult) -> object:
    return result.checkpoint.training.get("seed")
