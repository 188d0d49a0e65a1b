"""The trapezoid rule as weights: an area under a curve has one value per example."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["trapezoid"]


def trapezoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights (n,) of the trapezoid rule at places x (n,) in any order; a single one has 1.

    >>> trapezoid(np.array([0.0, 3.0, 1.0])).tolist()
    [0.5, 1.0, 1.5]
    """
    if len(x) == 1:
        return np.ones(1)
    order = np.argsort(x)
    gaps = np.diff(x[order])
    weights = np.empty(len(x))
    weights[order] = (np.append(gaps, 0.0) + np.append(0.0, gaps)) / 2
    return weights
