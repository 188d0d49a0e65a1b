"""Ridge classification in closed form: one decomposition of the features gives every penalty."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from acn_eval.probes.solution import Solution

__all__ = ["ridge_path"]


def ridge_path(
    x: NDArray[np.float64], labels: NDArray[np.int64], penalties: Sequence[float]
) -> list[Solution]:
    r"""Minimise ``|X W + b - Y|^2 + penalty |W|^2`` for every penalty; b is not penalised.

    Y is 1 for the class of an image and -1 for all others. With ``X = U S V^T`` (centred),

    .. math:: W = V \, \mathrm{diag}(s / (s^2 + \lambda)) \, U^T Y

    Args:
        x: features (n, width).
        labels: (n,), 0 .. classes - 1, each of them there.
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
