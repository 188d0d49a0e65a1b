"""Solvers of linear probes on the CPU: ridge and multinomial logistic regression."""

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["MAX_ITERATIONS", "Solution", "logistic_path", "ridge_path"]

MAX_ITERATIONS = 1000
_NEWTON = "newton-cholesky"
_FEW = 400  # coefficients: up to here an exact Hessian costs less than
_SLOW = 50  # so many gradients


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


def logistic_path(
    x: NDArray[np.float64], labels: NDArray[np.int64], penalties: Sequence[float], tolerance: float
) -> list[Solution]:
    """Minimize ``sum of log losses + penalty / 2 |W|^2`` with scikit-learn, warm along the path.

    The solver is L-BFGS and, where that gets slow and coefficients are few, Newton's method. The
    path is fastest from the strongest penalty to the weakest. It runs in one thread: the problems
    are small, and the last digits must not depend on the number of cores.

    Args:
        x: features (n, width).
        labels: (n,), 0 .. classes - 1, each of which occurs; two classes or more.
        penalties: positive; scikit-learn's C is their inverse.
        tolerance: largest gradient of the mean loss, as scikit-learn's ``tol``.
    """
    from sklearn.linear_model import LogisticRegression  # takes seconds, and few studies need it
    from threadpoolctl import threadpool_limits

    few = (x.shape[1] + 1) * (int(labels.max()) + 1) <= _FEW
    model = LogisticRegression(tol=tolerance, max_iter=MAX_ITERATIONS, warm_start=True)
    if few and len(penalties) == 1:  # a cold start
        model.set_params(solver=_NEWTON)
    solutions = []
    with threadpool_limits(1):
        for penalty in penalties:
            model.set_params(C=1 / penalty)
            found = _fitted(model, x, labels)
            if few and model.n_iter_.max() > _SLOW:
                model.set_params(solver=_NEWTON)
                found = found if found.converged else _fitted(model, x, labels)
            solutions.append(found)
    return solutions


def _fitted(model: Any, x: NDArray[np.float64], labels: NDArray[np.int64]) -> Solution:
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit(x, labels)
    failed = any(issubclass(w.category, ConvergenceWarning) for w in caught)
    weights, bias = model.coef_.copy(), model.intercept_.copy()
    if len(weights) == 1:  # two classes: softmax of -z / 2 and z / 2 is the sigmoid of z
        weights, bias = np.outer([-0.5, 0.5], weights[0]), bias[0] * np.array([-0.5, 0.5])
    return Solution(weights, bias, not failed)
