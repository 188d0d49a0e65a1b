"""Multinomial logistic regression on the CPU: scikit-learn's, warm along the penalties."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acn_eval.probes.solution import Solution

__all__ = ["MAX_ITERATIONS", "logistic_path"]

MAX_ITERATIONS = 1000
_NEWTON = "newton-cholesky"
_FEW = 400  # coefficients: up to here an exact Hessian costs less than
_SLOW = 50  # so many gradients


def logistic_path(
    x: NDArray[np.float64],
    labels: NDArray[np.int64],
    penalties: Sequence[float],
    tolerance: float,
) -> list[Solution]:
    """Minimise ``sum of log losses + penalty / 2 |W|^2``, each from the solution before.

    L-BFGS, and Newton's method from where that gets slow, if the coefficients are few. The path
    is fastest from the strongest penalty to the weakest. One thread: the problems are small, and
    the last digits must not depend on the number of cores.

    Args:
        x: features (n, width).
        labels: (n,), 0 .. classes - 1, each of them there; two classes or more.
        penalties: positive; scikit-learn's C is their inverse.
        tolerance: largest gradient of the mean loss, as scikit-learn's ``tol``.
    """
    from sklearn.linear_model import LogisticRegression  # seconds, and other suites need it not
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
