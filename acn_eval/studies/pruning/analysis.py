"""What the results of a pruning suite mean."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acn_eval.results import Scalar
from acn_eval.statistics.analysis import Analysis, Asked, Endpoint, like_primary
from acn_eval.statistics.curves import Axis, trapezoid
from acn_eval.studies.robustness.analysis import noise_asked

__all__ = ["ANALYSIS", "sparsity_trapezoid"]


def sparsity_trapezoid(conditions: Sequence[Mapping[str, Scalar]]) -> NDArray[np.float64]:
    """Weights of the mean over methods of the area under accuracy over ``sparsity``.

    The trapezoid rule over the share of weights that is kept, divided by the range of each
    method: every method has the same weight, whatever its sparsities.

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


_AREA = Endpoint(
    "area over sparsity",
    "is more robust to pruning",
    "is less robust to pruning",
    scales=True,
    changed="pruned",
    unchanged="dense",
    weigh=sparsity_trapezoid,
    moved_by=frozenset({"learning rate", "recipe", "steps"}),
)


def _words(condition: Mapping[str, Scalar]) -> Iterator[str]:
    """``magnitude 0.6``, ``magnitude of 4 blocks 0.6``."""
    if "method" in condition:
        method = str(condition["method"]).replace("_", " ")
        cut = f" of {condition['blocks']} blocks" if "blocks" in condition else ""
        share = f" {condition['sparsity']:g}" if "sparsity" in condition else ""
        yield f"{method}{cut}{share}"


def _asked(suite: Mapping[str, Any]) -> Iterator[Asked]:
    """Movement pruning has sparsities of its own."""
    everywhere = [m for m in suite.get("methods", ()) if m["kind"] != "movement"]
    whole = sum(method.get("blocks") is None for method in everywhere)
    for own in noise_asked(suite):
        for sparsity in suite.get("sparsities", ()):
            yield Asked({**own.condition, "sparsity": sparsity}, own.count * whole)


ANALYSIS = Analysis(
    lambda conditions: _AREA,
    (_AREA,),
    axes=(Axis("sparsity", "share of weights removed", steps=1000),),
    bare=frozenset({"method"}),
    words=_words,
    whole=like_primary("method", "sparsity", "blocks"),
    asked=_asked,
)
