"""Areas under a curve, one value per image: weights of its conditions."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from acn_eval.results import Scalar

__all__ = ["sparsity_trapezoid", "trapezoid"]


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


def sparsity_trapezoid(conditions: Sequence[Mapping[str, Scalar]]) -> NDArray[np.float64]:
    """Weights of the mean over methods of the area under accuracy over ``sparsity``.

    The trapezoid rule over the share of weights that is kept, divided by the range of each
    method: methods weigh alike, whatever their places.

    >>> places = [("gradual", 0.0), ("gradual", 0.5), ("gradual", 0.75), ("magnitude", 0.2)]
    >>> weights = sparsity_trapezoid([{"method": m, "sparsity": s} for m, s in places])
    >>> weights.round(3).tolist()
    [0.333, 0.5, 0.167, 1.0]
    """
    kept = 1 - np.array([float(c["sparsity"]) for c in conditions])
    methods = np.array([str(c["method"]) for c in conditions])
    weights = np.empty(len(conditions))
    for method in np.unique(methods):
        own = methods == method
        areas = trapezoid(kept[own])
        weights[own] = areas / areas.sum()
    return weights
