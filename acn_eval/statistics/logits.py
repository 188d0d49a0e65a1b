"""The loss of accuracy on the logit scale, where equal losses do not depend on the start."""

import numpy as np
from numpy.typing import NDArray

from acn_eval.statistics.architectures import Student, crossed
from acn_eval.statistics.design import ARCHITECTURES, Design, Pair

__all__ = ["logit_difference"]


def logit_difference(design: Design, corrupted: Pair, clean: Pair) -> Student:
    r"""Return how much less the candidate loses under corruption, in logits.

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
    linear = Pair(
        _linear(corrupted.candidate) - _linear(clean.candidate),
        _linear(corrupted.baseline) - _linear(clean.baseline),
    )
    halves = sum(
        _half_observations(side)
        for pair in (corrupted, clean)
        for side in (pair.candidate, pair.baseline)
    )
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
    centred = values - values.mean(axis=1, keepdims=True)
    return np.asarray(np.log(share / (1 - share)) + centred / (share * (1 - share)))


def _half_observations(values: NDArray[np.float64]) -> float:
    share, (files, n) = _smoothed(values), values.shape
    added = np.sum(0.5 / share**2 + 0.5 / (1 - share) ** 2)
    return float(added / ((n + 1) * files) ** 2)
