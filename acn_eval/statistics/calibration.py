"""Calibration: whether a network that says 90 % is right nine times in ten."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BINS", "Bin", "Calibration", "bins_of", "calibration"]

BINS = 10


@dataclass(frozen=True)
class Bin:
    """Predictions with a confidence in (low, high]; the first bin holds 0, too.

    Attributes:
        n: number of predictions.
        confidence: their mean confidence.
        accuracy: the share of them that is right.
    """

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """How well confidences agree with accuracies.

    Attributes:
        n: number of predictions.
        ece: expected calibration error: mean over predictions of the distance between confidence
            and accuracy of their bin.
        chance: expectation of `ece` if every confidence were true: not 0 with few predictions.
        confidence, accuracy: means.
        bins: those that hold predictions.
    """

    n: int
    ece: float
    chance: float
    confidence: float
    accuracy: float
    bins: tuple[Bin, ...]


def bins_of(confidence: NDArray[np.floating], bins: int = BINS) -> NDArray[np.int64]:
    """Return the bin (n,) of every confidence: open below, closed above, 0 in the first."""
    edges = np.linspace(0, 1, bins + 1)
    return np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)


def calibration(
    confidence: NDArray[np.floating], correct: NDArray[np.floating], bins: int = BINS
) -> Calibration:
    """Return the calibration of n predictions, in bins of equal width.

    `chance` is ``sum_b n_b / n * sqrt(2 / pi * mean(c (1 - c)) / n_b)``, the mean distance of a
    normal variable.

    Args:
        confidence: (n,) in [0, 1], of the predicted class.
        correct: (n,), 1 / 0.
        bins: number of them.

    Reference: Guo et al., "On calibration of modern neural networks", 2017.

    >>> round(calibration(np.array([1.0, 1.0, 0.5]), np.array([1, 0, 1])).ece, 4)
    0.5
    """
    c, right = np.asarray(confidence, np.float64), np.asarray(correct, np.float64)
    edges, owner = np.linspace(0, 1, bins + 1), bins_of(c, bins)
    count = np.bincount(owner, minlength=bins)
    used = np.flatnonzero(count)
    n = count[used]
    sure, hit, spread = (
        np.bincount(owner, weights=w, minlength=bins)[used] / n for w in (c, right, c * (1 - c))
    )
    share, parts = n / len(c), (edges[used], edges[used + 1], n, sure, hit)
    return Calibration(
        n=len(c),
        ece=float(share @ np.abs(sure - hit)),
        chance=float(share @ np.sqrt(2 / np.pi * spread / n)),
        confidence=float(c.mean()),
        accuracy=float(right.mean()),
        bins=tuple(map(Bin, *(part.tolist() for part in parts))),
    )
