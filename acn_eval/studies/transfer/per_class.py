"""Mean accuracy per class, as a mean of bounded outcomes."""

import numpy as np
from numpy.typing import NDArray

from acn_eval.statistics.score import BoundedSample

__all__ = ["mean_per_class"]


def mean_per_class(
    correct: NDArray[np.float32], labels: NDArray[np.int64], classes: int
) -> BoundedSample:
    """Return the sample whose mean is the mean over classes of the accuracy in each.

    An image of class c counts ``n / (classes n_c)``, so that every class counts alike; classes
    without an image are left out.

    >>> correct, labels = np.array([1, 0, 1], np.float32), np.array([0, 0, 1])
    >>> mean_per_class(correct, labels, 2).value
    0.75
    """
    counts = np.bincount(labels, minlength=classes)
    present = int((counts > 0).sum())
    weights = len(labels) / (present * counts[labels])
    return BoundedSample.of(correct * weights, (0.0, float(weights.max())))
