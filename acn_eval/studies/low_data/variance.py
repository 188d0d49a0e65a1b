"""Components of an accuracy's variance: draw of the data, initialization, test images."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, fdtri

from acn_eval.statistics.comparison import Estimate

__all__ = ["MeanSquare", "combined", "components", "mean_squares"]


class MeanSquare(NamedTuple):
    """A mean square of an analysis of variance and its degrees of freedom."""

    value: float
    df: int


def components(table: NDArray[np.float64], confidence: float = 0.95) -> dict[str, Estimate]:
    r"""Split the variance of a trained network's accuracy, one component per source.

    For accuracies :math:`y_{dsi}` with initializations s nested in draws d, both crossed with
    images i, equating mean squares with their expectations gives

    .. math::
        \sigma^2_{draw} = (MS_d - MS_{di} - MS_s + MS_{si}) / (S n), \quad
        \sigma^2_{init} = (MS_s - MS_{si}) / n

        \sigma^2_{images} = (\sigma^2_i + \sigma^2_{di} + \sigma^2_{si}) / n

    so that their sum is the variance of the accuracy that one network of one draw shows on n
    images. The estimates are unbiased because they are not truncated: a component that is small
    comes out negative quite often.

    Args:
        table: (draws, initializations, images), two draws or more; values are per image.
        confidence: of the limits, by the modified large-sample method (see `combined`).

    Returns:
        Variances by name: ``draw``, ``initialization``, ``test images``. With one network per
        draw the first two cannot be told apart: ``draw, and what changes with it``.

    References:
        Searle, Casella and McCulloch, "Variance Components", 1992, chapter 4.
    """
    draws, repeats, n = table.shape
    each = 1 / (repeats * n)
    if repeats == 1:
        parts = {
            "draw, and what changes with it": {"draw": each, "draw x image": -each},
            "test images": {"image": 1 / (draws * n), "draw x image": (1 - 1 / draws) / n},
        }
    else:
        parts = {
            "draw": {
                "draw": each,
                "draw x image": -each,
                "initialization": -each,
                "residual": each,
            },
            "initialization": {"initialization": 1 / n, "residual": -1 / n},
            "test images": {
                "image": each / draws,
                "draw x image": each * (1 - 1 / draws),
                "residual": (1 - 1 / repeats) / n,
            },
        }
    ms = mean_squares(table)
    return {
        name: combined([(factor, ms[source]) for source, factor in own.items()], confidence)
        for name, own in parts.items()
    }


def mean_squares(table: NDArray[np.float64]) -> dict[str, MeanSquare]:
    """Return the mean squares of initializations nested in draws, crossed with images.

    Args:
        table: (draws, initializations, images).

    Returns:
        ``draw``, ``image``, ``draw x image`` and, with two initializations or more,
        ``initialization`` and ``residual`` (initialization x image within the draw).
    """
    draws, repeats, n = table.shape
    by_draw, by_image = table.mean(axis=(1, 2)), table.mean(axis=(0, 1))
    cells = table.mean(axis=1)
    joint = cells - by_draw[:, None] - by_image + table.mean()
    found = {
        "draw": MeanSquare(repeats * n * float(np.var(by_draw, ddof=1)), draws - 1),
        "image": MeanSquare(draws * repeats * float(np.var(by_image, ddof=1)), n - 1),
        "draw x image": _mean_square(repeats * joint**2, (draws - 1) * (n - 1)),
    }
    if repeats > 1:
        networks = table.mean(axis=2)
        within = networks - by_draw[:, None]
        left = table - networks[:, :, None] - cells[:, None, :] + by_draw[:, None, None]
        df = draws * (repeats - 1)
        found["initialization"] = _mean_square(n * within**2, df)
        found["residual"] = _mean_square(left**2, df * (n - 1))
    return found


def combined(terms: Sequence[tuple[float, MeanSquare]], confidence: float = 0.95) -> Estimate:
    """Return a linear combination of mean squares with limits that may lie below zero.

    Args:
        terms: (coefficient, mean square); coefficients may be negative.
        confidence: of both limits together.

    References:
        Ting, Burdick, Graybill, Jeyaratnam and Lu, "Confidence intervals on linear combinations
        of variance components that are unrestricted in sign", Journal of Statistical
        Computation and Simulation 35, 1990 (without their small terms for pairs of one sign).
    """
    tail = (1 - confidence) / 2
    value = sum(c * ms.value for c, ms in terms)
    below = _reach(terms, tail)
    above = _reach([(-c, ms) for c, ms in terms], tail)
    return Estimate(value, value - below, value + above)


def _reach(terms: Sequence[tuple[float, MeanSquare]], tail: float) -> float:
    """Return how far the lower limit lies below the value."""
    plus = [(c * ms.value, ms.df) for c, ms in terms if c > 0]
    minus = [(-c * ms.value, ms.df) for c, ms in terms if c < 0]
    square = sum((_shrunk(df, tail) * part) ** 2 for part, df in plus)
    square += sum((_grown(df, tail) * part) ** 2 for part, df in minus)
    square += sum(
        _mixed(df, other_df, tail) * part * other for part, df in plus for other, other_df in minus
    )
    return math.sqrt(max(square, 0.0))


def _shrunk(df: int, tail: float) -> float:
    """1 - 1 / F: relative distance by which a mean square may exceed its expectation."""
    return 1 - df / float(chdtri(df, tail))


def _grown(df: int, tail: float) -> float:
    """1 / F - 1: relative distance by which it may lie below."""
    return df / float(chdtri(df, 1 - tail)) - 1


def _mixed(df: int, other: int, tail: float) -> float:
    """The weight that makes the limit exact for a difference of two mean squares."""
    f = float(fdtri(df, other, 1 - tail))
    return ((f - 1) ** 2 - (_shrunk(df, tail) * f) ** 2 - _grown(other, tail) ** 2) / f


def _mean_square(squares: NDArray[np.float64], df: int) -> MeanSquare:
    return MeanSquare(float(squares.sum()) / df, df)
