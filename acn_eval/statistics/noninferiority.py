"""Non-inferiority: one-sided limits of a mean, and tests whether it is above a bound."""

from dataclasses import dataclass

from scipy.special import ndtr

from acn_eval.statistics.architectures import Student
from acn_eval.statistics.score import BoundedSample

__all__ = ["OneSided", "one_sided", "p_below"]


@dataclass(frozen=True)
class OneSided:
    """Where a mean lies relative to a bound, tested to both sides.

    Attributes:
        value: the mean.
        low, high: one-sided limits, each at its own level.
        p_pass: p of "not above the bound"; small where the mean is clearly above.
        p_fail: p of "not below the bound"; small where the mean is clearly below.
    """

    value: float
    low: float
    high: float
    p_pass: float
    p_fail: float


def one_sided(
    sample: BoundedSample | Student,
    bound: float,
    alpha: float = 0.05,
    alpha_fail: float | None = None,
) -> OneSided:
    """Judge a mean against a bound: with the score method, or with Student's t.

    Limits and tests agree: ``p_pass < alpha`` exactly where ``low > bound``, and
    ``p_fail < alpha_fail`` exactly where ``high < bound``. A margin m that a difference must
    clear is the bound -m (non-inferiority).

    Args:
        sample: of the outcomes.
        bound: that the mean must be above.
        alpha: of the lower limit.
        alpha_fail: of the upper limit, by default the same.

    Reference: Tango, Statistics in Medicine 17, 1998; `score.BoundedSample`.

    >>> import numpy as np
    >>> same = one_sided(BoundedSample.of(np.zeros(360)), bound=-0.01)
    >>> round(same.low, 4), same.p_pass < 0.05
    (-0.0075, True)
    """
    low, upper = sample.interval(1 - 2 * alpha).low, alpha_fail or alpha
    if isinstance(sample, Student):
        high = sample.interval(1 - 2 * upper).high
    else:
        high = sample.skewed_limit(upper, side=1, step=sample.step)
    p_pass = float(ndtr(-sample.z(bound)))
    return OneSided(sample.value, low, high, p_pass, p_below(sample, bound))


def p_below(sample: BoundedSample | Student, bound: float) -> float:
    """Return p of "not below the bound"; small where the mean is clearly below.

    Losses that are rare have a long tail, and the sum of outcomes moves in steps: without both
    corrections of `BoundedSample.skewed_z` the test rejects up to twice too often.
    """
    if isinstance(sample, Student):
        return float(ndtr(sample.z(bound)))
    return float(ndtr(sample.skewed_z(bound, sample.step)))
