"""Is a mean above a bound: one-sided limits, tests to both sides, and what n images could see."""

import math
from dataclasses import dataclass

from scipy.special import ndtr, ndtri

from acn_eval.statistics.score import BoundedSample

__all__ = ["OneSided", "images_needed", "mde_one_sided", "one_sided", "pass_power"]

_POWER = 0.8


@dataclass(frozen=True)
class OneSided:
    """Where a mean lies relative to a bound, judged from both sides.

    Attributes:
        value: the mean.
        low, high: each a one-sided limit at 1 - alpha; together the 1 - 2 alpha interval.
        p_pass: p of "not above the bound"; small where the mean is surely above.
        p_fail: p of "not below the bound"; small where the mean is surely below.
    """

    value: float
    low: float
    high: float
    p_pass: float
    p_fail: float


def one_sided(sample: BoundedSample, bound: float, alpha: float = 0.05) -> OneSided:
    """Judge a mean against a bound with the score method.

    Limits and tests agree: ``p_pass < alpha`` exactly where ``low > bound``. A margin m that a
    difference must clear is the bound -m (non-inferiority).

    Reference: Tango, Statistics in Medicine 17, 1998; `score.BoundedSample`.

    >>> import numpy as np
    >>> same = one_sided(BoundedSample.of(np.zeros(360)), bound=-0.01)
    >>> round(same.low, 4), same.p_pass < 0.05
    (-0.0075, True)
    """
    z = sample.z(bound)
    low, high = sample.interval(1 - 2 * alpha)
    return OneSided(sample.value, low, high, p_pass=float(ndtr(-z)), p_fail=float(ndtr(z)))


def mde_one_sided(n: int, variance: float, alpha: float = 0.05) -> float:
    """Return the distance from the bound that n images show with 80 % power, one-sided.

    ``(z_(1 - alpha) + z.80) sqrt(variance / n)``; for a difference the variance is the
    discordance.

    >>> round(mde_one_sided(1000, 0.06), 4)
    0.0193
    """
    return _quantiles(alpha) * math.sqrt(variance / n)


def images_needed(distance: float, variance: float, alpha: float = 0.05) -> int | None:
    """Return how many images show a distance from the bound with 80 % power, one-sided.

    None where the distance is 0: no number of images settles it.

    >>> images_needed(0.01, 0.06)
    3710
    """
    if distance <= 0:
        return None
    return math.ceil(variance * (_quantiles(alpha) / distance) ** 2)


def pass_power(n: int, distance: float, variance: float, alpha: float = 0.05) -> float:
    """Return how often n images show that a mean lies above a bound at this distance below it.

    >>> round(pass_power(1000, 0.02, 0.06), 2)
    0.83
    """
    return float(ndtr(distance / math.sqrt(variance / n) - ndtri(1 - alpha)))


def _quantiles(alpha: float) -> float:
    return float(ndtri(1 - alpha) + ndtri(_POWER))
