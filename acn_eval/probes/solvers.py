"""Ridge regression in closed form, and what a solver of linear probes returns."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Solution", "ridge_path"]


class Solution(NamedTuple):
    """A linear map at one penalty: float64 weights (classes, width) and bias (classes,).

    Attributes:
        converged: whether the solver reached its tolerance.
    """

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    converged: bool = True


def ridge_path(
    x: NDArray[np.float64], labels: NDArray[np.int64], penalties: Sequence[float]
) -> list[Solution]:
    r"""Minimize ``|X W + b - Y|^2 + penalty |W|^2`` for every penalty; b is not penalized.

    Y is 1 for the class of an image and -1 for all others. With ``X = U S V^T`` (centered),

    .. math:: W = V \, \mathrm{diag}(s / (s^2 + \lambda)) \, U^T Y

    Args:
        x: features (n, width).
        labels: (n,), 0 .. classes - 1, each of which occurs.
        penalties: positive.

    Reference: Hoerl and Kennard, "Ridge regression", 1970.
    """
    targets = 2.0 * np.eye(labels.max() + 1)[labels] - 1.0
    mean, level = x.mean(axis=0), targets.mean(axis=0)
    u, s, vt = np.linalg.svd(x - mean, full_matrices=False)
    projected = u.T @ (targets - level)
    solutions = []
    for penalty in penalties:
        weights = (vt.T @ ((s / (s**2 + penalty))[:, None] * projected)).T
        solutions.append(Solution(weights, level - weights @ mean))
    return solutions
