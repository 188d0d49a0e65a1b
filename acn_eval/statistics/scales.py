"""The endpoint on other scales: errors as a ratio of sums, and losses of accuracy in logits."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from acn_eval.statistics.architectures import Student, crossed
from acn_eval.statistics.comparison import Estimate
from acn_eval.statistics.design import ARCHITECTURES, Design, Pair
from acn_eval.statistics.score import root

__all__ = ["error_ratio", "logit_difference"]

_LARGEST = 2.0**20


def error_ratio(design: Design, accuracy: Pair, confidence: float = 0.95) -> Estimate | None:
    """Return the mean corruption error: the candidate's errors over the baseline's.

    The limits are every theta for which ``errors_candidate - theta errors_baseline`` is
    compatible with mean 0 (Fieller's idea, with the score method where examples are the sample).
    A ratio of sums, not a mean of ratios: one condition without errors leaves it defined.

    Returns:
        None where the ratio is undefined: the baseline has no errors, or so few that no upper
        limit exists.
    """
    errors = Pair(1 - accuracy.candidate, 1 - accuracy.baseline)
    if errors.baseline.sum() == 0:
        return None

    def z(theta: float) -> float:
        scaled = Pair(errors.candidate, theta * errors.baseline)
        return design.difference(scaled, support=(-theta, 1.0)).z()

    critical = float(ndtri((1 + confidence) / 2))
    value = float(errors.candidate.mean() / errors.baseline.mean())
    high = _upper(z, value, critical)
    return None if high is None else Estimate(value, _lower(z, value, critical), high)


def _lower(z: Callable[[float], float], value: float, critical: float) -> float:
    if value == 0 or z(0.0) <= critical:
        return 0.0
    # z(0) may be infinite, and a root finder needs numbers.
    near = value
    while z(near) <= critical:
        near /= 2
    return root(lambda theta: z(theta) - critical, near, value)


def _upper(z: Callable[[float], float], value: float, critical: float) -> float | None:
    far = max(value, 1 / 64)
    while z(far) >= -critical:
        far *= 2
        if far > _LARGEST:
            return None
    return root(lambda theta: z(theta) + critical, value, far)


def logit_difference(design: Design, corrupted: Pair, clean: Pair) -> Student:
    r"""Return how much less the candidate loses under corruption, in logits.

    On this scale equal losses do not depend on the start:

    .. math::
        (\operatorname{logit} a_{corrupted} - \operatorname{logit} a_{clean})_{candidate}
        - (\ldots)_{baseline}

    Accuracies are smoothed, ``(k + 1/2) / (n + 1)``, so that 100 % has a logit. Errors follow
    from the delta method: per example, ``(x - a) / (a (1 - a))`` of each accuracy, added with its
    sign; the half observations add their own share of variance, so that a single accuracy has
    the variance ``1 / (k + 1/2) + 1 / (n - k + 1/2)``.

    References:
        Haldane, "The estimation and significance of the logarithm of a ratio of frequencies",
        1956; Anscombe, "On estimating binomial response relations", Biometrika 43, 1956.
    """
    sides = (corrupted.candidate, corrupted.baseline, clean.candidate, clean.baseline)
    ours, theirs, *before = map(_linear, sides)
    linear = Pair(ours - before[0], theirs - before[1])
    halves = sum(map(_half_observations, sides))
    if design.unit == ARCHITECTURES:
        effect = crossed(*design.arms(linear))
        return Student(effect.value, effect.variance + halves, effect.df)
    examples = linear.per_example
    variance = float(np.sum((examples - examples.mean()) ** 2)) / (len(examples) + 1) ** 2
    return Student(float(examples.mean()), variance + halves, np.inf)


def _smoothed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    n = values.shape[1]
    return np.asarray((values.sum(axis=1, keepdims=True) + 0.5) / (n + 1))


def _linear(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values (files, n) whose mean is the logit and whose spread is the logit's."""
    share = _smoothed(values)
    centered = values - values.mean(axis=1, keepdims=True)
    return np.asarray(np.log(share / (1 - share)) + centered / (share * (1 - share)))


def _half_observations(values: NDArray[np.float64]) -> float:
    share, (files, n) = _smoothed(values), values.shape
    added = np.sum(0.5 / share**2 + 0.5 / (1 - share) ** 2)
    return float(added / ((n + 1) * files) ** 2)
