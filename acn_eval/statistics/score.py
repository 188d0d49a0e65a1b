"""The score method: one z for the test and the interval of the mean of bounded outcomes."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

__all__ = ["ACCURACY", "DIFFERENCE", "BoundedSample", "Interval", "Support", "root"]

Support = tuple[float, float]
ACCURACY: Support = (0.0, 1.0)
DIFFERENCE: Support = (-1.0, 1.0)

_ALMOST_ONE = 1.0 - 1e-12
_NO_GAP = 1e-75  # below it, third powers underflow


class Interval(NamedTuple):
    """Lower and upper limit."""

    low: float
    high: float


def root(
    function: Callable[[float], float], low: float, high: float, **tolerances: float
) -> float:
    """Return where a function crosses 0 between two numbers, by Brent's method."""
    from scipy.optimize import brentq  # takes a tenth of a second to import

    return float(brentq(function, low, high, **tolerances))


class _Fit(NamedTuple):
    """How the mean scatters under the constrained fit: z of the observed one, standard error."""

    z: float
    error: float
    skewness: float  # positive where the tail on the observed side is the long one


@dataclass(frozen=True)
class BoundedSample:
    r"""Independent outcomes d_1 ... d_n in a known interval, grouped by distinct value.

    The test of ``mean = delta`` is

    .. math:: z(\delta) = (\bar d - \delta) / \sqrt{v(\delta) / n}

    where v is the variance of the distribution that fits the outcomes best among *all*
    distributions on the support whose mean is delta (the constrained non-parametric
    maximum-likelihood estimate). Its weights are ``1 / (n (1 + l (d_i - delta)))``; mass that is
    left over sits at a support end. Multiplying the weights out gives ``v = (mean - delta) / l``,
    hence ``z^2 = n l (mean - delta)``: only the multiplier l has to be found.

    For 0 / 1 outcomes this is Wilson's score test, for differences of paired 0 / 1 outcomes it
    is Tango's. It does not collapse where no outcome differs from another.

    The mean of rare losses is skewed, so that its long tail holds more than z says: `skewed_z`
    reads the tail off a gamma distribution with the skewness of the fit, which never makes an
    observed mean more surprising.

    References:
        Tango, "Equivalence test and confidence interval for the difference in proportions for
        the paired-sample design", Statistics in Medicine 17, 1998.
        Owen, "Empirical Likelihood", 2001, section 2.
        Gart and Nam, "Approximate interval estimation of the difference in binomial parameters:
        correction for skewness and extension to multiple tables", Biometrics 46, 1990.
        Wilson and Hilferty, "The distribution of chi-square", PNAS 17, 1931.

    >>> same = BoundedSample.of(np.zeros(360))
    >>> [round(limit, 4) for limit in same.interval(0.95)]
    [-0.0106, 0.0106]
    """

    values: NDArray[np.float64]
    counts: NDArray[np.int64]
    support: Support

    @staticmethod
    def of(outcomes: NDArray[np.floating], support: Support = DIFFERENCE) -> "BoundedSample":
        """Group outcomes (n,) that lie in the support.

        Raises:
            ValueError: no outcome, or one outside the support.
        """
        low, high = support
        # Means over repeats carry rounding errors: without this, equal outcomes count as distinct.
        rounded = outcomes.astype(np.float64).round(12)
        if not rounded.size or not np.all((rounded >= low - 1e-6) & (rounded <= high + 1e-6)):
            raise ValueError(f"outcomes must be one or more numbers in [{low:g}, {high:g}]")
        values, counts = np.unique(rounded.clip(low, high), return_counts=True)
        return BoundedSample(values, counts.astype(np.int64), support)

    @cached_property
    def n(self) -> int:
        """Number of outcomes."""
        return int(self.counts.sum())

    @cached_property
    def value(self) -> float:
        """Mean of the outcomes."""
        return float(self.values @ self.counts) / self.n

    @property
    def step(self) -> float:
        """Return by how much an outcome moves the sum, towards where outcomes are rare.

        Third central moment over variance: 1 for rare losses alone, 0 where gains are as many
        as losses. Outcomes at the two ends of the support alone move it by its whole width.
        """
        low, high = self.support
        if np.all((self.values == low) | (self.values == high)):
            return high - low
        far, shares = self.values - self.value, self.counts / self.n
        variance = float(shares @ far**2)
        return abs(float(shares @ far**3)) / variance if variance else 0.0

    def z(self, delta: float = 0.0) -> float:
        """Return the score statistic of ``mean = delta``, positive where the mean is larger."""
        return self._fit(delta).z

    def skewed_z(self, delta: float = 0.0, step: float | None = None) -> float:
        """Return z with the tail that the skewness of the fit gives it, where that is longer.

        Args:
            delta: the mean that is tested.
            step: of the sum, half of which counts as reached (continuity); by default that of
                the fit, which is 0 where the fit is symmetric.
        """
        fit = self._fit(delta)
        if not 0 < abs(fit.z) < math.inf:
            return fit.z
        skewness = max(fit.skewness, 0.0)
        half = skewness / 2 if step is None else step / (2 * self.n * fit.error)
        corrected = _as_normal(max(abs(fit.z) - half, 0.0), skewness)
        return math.copysign(min(corrected, abs(fit.z)), fit.z)

    def p(self, delta: float = 0.0) -> float:
        """Return the two-sided p value of ``mean = delta``."""
        return float(2 * ndtr(-abs(self.z(delta))))

    def interval(self, confidence: float = 0.95) -> Interval:
        """Return every delta that the two-sided test at ``1 - confidence`` does not reject."""
        critical = float(ndtri((1 + confidence) / 2))
        return Interval(self._limit(critical, side=-1), self._limit(critical, side=1))

    def band(self, confidence: float) -> Interval:
        """Return every delta that `skewed_z` does not reject: for the far tails of bands."""
        tail = (1 - confidence) / 2
        return Interval(self.skewed_limit(tail, side=-1), self.skewed_limit(tail, side=1))

    def skewed_limit(self, alpha: float, *, side: int, step: float | None = None) -> float:
        """Return the lower (side -1) or upper (1) limit at 1 - alpha of `skewed_z`."""
        end = self.support[0 if side < 0 else 1]
        if self.value == end:
            return end
        critical = -float(ndtri(alpha))

        def excess(delta: float) -> float:
            return min(abs(self.skewed_z(delta, step)), 2 * critical) - critical

        return root(excess, self.value, end, xtol=1e-13)

    def _fit(self, delta: float) -> _Fit:
        gap = self.value - delta
        reach = self.support[0 if gap > 0 else 1] - delta
        if abs(gap) < _NO_GAP or reach == 0:
            return _Fit(0.0 if abs(gap) < _NO_GAP else math.copysign(math.inf, gap), 0.0, 0.0)
        ratios = (self.values - delta) / reach
        tilt = _tilt(ratios, self.counts)
        z = math.copysign(math.sqrt(-self.n * tilt * gap / reach), gap)
        weights = self.counts / (self.n * np.maximum(1 - tilt * ratios, 1e-300))
        left_over = 1 - float(weights.sum())
        second, third = (float(weights @ ratios**k) + left_over for k in (2, 3))
        skewness = -third / (second**1.5 * math.sqrt(self.n))
        return _Fit(z, abs(reach) * math.sqrt(second / self.n), skewness)

    def _limit(self, critical: float, *, side: int) -> float:
        end = self.support[0 if side < 0 else 1]
        if self.value == end:
            return end
        # No distribution with this mean varies more than the two-point one, so Wilson's limit
        # is never inside; a hair beyond it brackets the root also where the two are equal.
        outer = self._two_point_limit(critical * (1 + 1e-9), side=side)
        return root(lambda d: abs(self.z(d)) - critical, self.value, outer, xtol=1e-13)

    def _two_point_limit(self, critical: float, *, side: int) -> float:
        low, high = self.support
        share, odds = (self.value - low) / (high - low), critical**2 / self.n
        spread = critical * math.sqrt(share * (1 - share) / self.n + odds / (4 * self.n))
        return low + (high - low) * (share + odds / 2 + side * spread) / (1 + odds)


def _as_normal(x: float, skewness: float) -> float:
    """Return the normal quantile as extreme as x of a gamma variable (Wilson and Hilferty).

    The variable has mean 0, variance 1 and this skewness.
    """
    if skewness < 1e-9:
        return x
    return 6 / skewness * math.expm1(math.log1p(skewness * x / 2) / 3) + skewness / 6


def _tilt(ratios: NDArray[np.float64], counts: NDArray[np.int64]) -> float:
    """Return the multiplier as a share t in [0, 1] of the largest that the support allows.

    With ``r = (d - delta) / (end - delta) <= 1``, t maximizes the concave
    ``sum log(1 - t r)``. Its derivative is multiplied by ``1 - t``, which moves no root and
    removes the pole of outcomes that lie at the support end.
    """
    weights = counts * ratios

    def slope(t: float) -> float:
        return float((weights * ((1 - t) / (1 - t * ratios))).sum())

    if slope(_ALMOST_ONE) <= 0:
        return 1.0
    if slope(0.0) >= 0:
        return 0.0
    return root(slope, 0.0, _ALMOST_ONE, xtol=1e-14, rtol=1e-13)
