r"""Correlations of predicted numbers with those that the data state, linearized.

With both standardized to u and v, Pearson's correlation is :math:`r = \overline{uv}` and its
influence :math:`\psi_i = u_i v_i - r (u_i^2 + v_i^2) / 2`. Spearman's is the same of mid-ranks,
which move with every example as well; the influence holds what that adds.

Limits are Student's t. An example far out pulls r towards itself, so that its influence is too
small: it is divided by :math:`1 - h_i`, one less the share of the variance that it is,
:math:`h_i = (1 + (u_i^2 + v_i^2) / 2) / n`. Leave-one-out values scatter as much.

References:
    Devlin, Gnanadesikan and Kettenring, "Robust estimation and outlier detection with correlation
    coefficients", Biometrika 62, 1975. Croux and Dehon, "Influence functions of the Spearman and
    Kendall correlation measures", Statistical Methods and Applications 19, 2010. MacKinnon and
    White, "Some heteroskedasticity-consistent covariance matrix estimators with improved finite
    sample properties", Journal of Econometrics 29, 1985.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from acn_eval.statistics.influence import Measured, Undefined, Values, linearized

__all__ = ["pearson", "spearman"]


class _Ranked(NamedTuple):
    """Numbers as the share of the others below them.

    Attributes:
        places: (n,), mid-ranks as a share of n, less one half: their mean is 0.
        number: (n,), which of the distinct numbers each is, in ascending order.
    """

    places: Values
    number: NDArray[np.intp]

    def above(self, weights: Values) -> Values:
        """Return for each the sum of weights (n,) above it, half of those beside it, over n."""
        beside = np.bincount(self.number, weights=weights)
        return np.asarray(
            (beside.sum() - beside.cumsum() + beside / 2)[self.number] / len(weights)
        )


def pearson(predicted: Values, targets: Values) -> Measured:
    """Return the correlation of numbers (n,) with their targets, linearized.

    Raises:
        Undefined: all predictions, or all targets, are equal.
    """
    _require_scatter(predicted, targets)
    u, v = _standardized(predicted), _standardized(targets)
    r, n = float(np.mean(u * v)), len(u)
    share = (1 + (u**2 + v**2) / 2) / n
    influence = (u * v - r * (u**2 + v**2) / 2) / np.maximum(1 - share, 1 / n)
    return _correlated(r, influence, np.outer([v.min(), v.max()], u) - r * u**2 / 2)


def spearman(predicted: Values, targets: Values) -> Measured:
    """Return the rank correlation of numbers (n,) with their targets, linearized.

    Ties share the mean of their ranks, as in scipy.

    Raises:
        Undefined: all predictions, or all targets, are equal.
    """
    _require_scatter(predicted, targets)
    x, y = _ranked(predicted), _ranked(targets)
    (a, b), spread = (x.places, y.places), float(x.places.std() * y.places.std())
    r = float(np.mean(a * b)) / spread
    ours = x.above(b) / spread - r / 2 * _own(x)
    theirs = y.above(a) / spread - r / 2 * _own(y)
    reach = np.outer([b.min(), b.max()], a) / spread + ours
    return _correlated(r, a * b / spread + ours + theirs, reach)


def _own(of: _Ranked) -> Values:
    """Influence (n,) on the variance of the mid-ranks, over that variance."""
    return np.asarray((of.places**2 + 2 * of.above(of.places)) / of.places.var())


def _correlated(r: float, influence: Values, reach: Values) -> Measured:
    """Return r linearized.

    Args:
        r: the correlation.
        influence: (n,) of the examples.
        reach: (2, n) of the lowest and the highest target, with every prediction that is there.
    """
    own = influence - influence.mean()
    wide = float(np.max(reach.max(axis=1) - reach.min(axis=1)))
    ends = min(float(own.min()), float(own.max()) - wide), float(own.max())
    return linearized(r, own, ends)


def _require_scatter(predicted: Values, targets: Values) -> None:
    for numbers, what in ((predicted, "predictions"), (targets, "targets")):
        if np.all(numbers == numbers[0]):
            raise Undefined(f"all {what} are equal")


def _standardized(numbers: Values) -> Values:
    centered = numbers - numbers.mean()
    return np.asarray(centered / centered.std())


def _ranked(numbers: Values) -> _Ranked:
    _, number, count = np.unique(numbers, return_inverse=True, return_counts=True)
    middle = count.cumsum() - count / 2
    return _Ranked(middle[number] / len(numbers) - 0.5, number)
