"""Power: which differences a sample detects, and how many examples a difference needs."""

import math

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from acn_eval.statistics.architectures import Student
from acn_eval.statistics.score import BoundedSample

__all__ = ["discordance", "examples_needed", "mde", "mde_examples", "pass_power"]

_POWER = 0.8


def mde(effect: BoundedSample | Student) -> float:
    """Return the minimum detectable effect at 80 % power and two-sided 5 %.

    With examples as the sample it is `mde_examples` with the `discordance`; with seeds and
    examples it is ``(t.975 + t.80) sqrt(V)``.
    """
    if isinstance(effect, BoundedSample):
        return mde_examples(effect.n, discordance(effect))
    quantiles = stdtrit(effect.df, 0.975) + stdtrit(effect.df, _POWER)
    return float(quantiles) * math.sqrt(effect.variance)


def discordance(differences: BoundedSample) -> float:
    """Return ``(sum d^2 + 2 w^2) / (n + 2)``, where w is the upper end of the support.

    For 0 / 1 outcomes this is the share of examples on which the two differ, kept off zero by two
    imagined ones.
    """
    squares = float(np.sum(differences.counts * differences.values**2))
    return (squares + 2 * differences.support[1] ** 2) / (differences.n + 2)


def mde_examples(n: int, variance: float, alpha: float = 0.025) -> float:
    """Return the distance that n examples detect with 80 % power, at a one-sided alpha.

    ``(z_(1 - alpha) + z.80) sqrt(variance / n)``; for a difference the variance is the
    discordance, and the default is the two-sided test at 5 %.

    >>> round(mde_examples(360, 0.06), 3)
    0.036
    """
    return _quantiles(alpha) * math.sqrt(variance / n)


def examples_needed(distance: float, variance: float, alpha: float = 0.05) -> int | None:
    """Return how many examples show a distance from a bound with 80 % power, one-sided.

    None where the distance is 0: no number of examples settles it.

    >>> examples_needed(0.01, 0.06)
    3710
    """
    if distance <= 0:
        return None
    return math.ceil(variance * (_quantiles(alpha) / distance) ** 2)


def pass_power(n: int, distance: float, variance: float, alpha: float = 0.05) -> float:
    """Return how often n examples show that a mean lies above a bound this far below it.

    >>> round(pass_power(1000, 0.02, 0.06), 2)
    0.83
    """
    return float(ndtr(distance / math.sqrt(variance / n) - ndtri(1 - alpha)))


def _quantiles(alpha: float) -> float:
    return float(ndtri(1 - alpha) + ndtri(_POWER))
