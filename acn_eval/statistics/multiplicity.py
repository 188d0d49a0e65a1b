"""Several conditions at once: Holm's p values, Bonferroni's bands, and undecidable conditions."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["band_confidence", "holm", "undecidable"]


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Return Holm's adjusted p values (m,) in the order given.

    The i-th smallest of m is multiplied by ``m + 1 - i``; an adjusted value is never smaller
    than one before it. All claims ``adjusted p < alpha`` together err with probability alpha.

    Reference: Holm, "A simple sequentially rejective multiple test procedure", 1979.

    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def band_confidence(conditions: int, confidence: float = 0.95) -> float:
    """Return the level of each interval such that all of them hold together (Bonferroni).

    >>> round(band_confidence(7), 4)
    0.9929
    """
    return 1 - (1 - confidence) / conditions


def undecidable(best_p: ArrayLike, alpha: float = 0.05) -> NDArray[np.bool_]:
    """Return which conditions Holm cannot reject, whichever side is right where the two differ.

    Args:
        best_p: (m,), each condition's p if the same side were right on every example on which
            the two differ. With seven conditions, fewer than 8 such examples do not suffice.
        alpha: the level of the whole family.
    """
    return np.asarray(holm(best_p) > alpha)
