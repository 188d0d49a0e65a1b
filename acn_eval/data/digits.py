"""The embedded data set: 1,797 handwritten digits of 8 x 8 pixels (scikit-learn, UCI)."""

from importlib.metadata import distribution

import numpy as np
from numpy.typing import NDArray

from acn_eval.data.examples import Examples, Split, members
from acn_eval.data.images import ArrayImages

__all__ = ["open_digits"]


def open_digits(split: Split) -> Examples:
    """Return a split of digits: 60 % train, 20 % validation, 20 % test by hash of id.

    The 17 gray levels 0 .. 16 become round(level * 255 / 16).
    """
    table = _table()
    levels = table[:, :64].reshape(-1, 8, 8, 1)
    images = np.rint(levels * (255 / 16)).astype(np.uint8)
    ids = np.arange(len(images), dtype=np.int64)
    labels, classes = table[:, 64].astype(np.int64), tuple(str(digit) for digit in range(10))
    whole = Examples("digits", split, ids, labels, classes, ArrayImages(images), ids)
    return whole.at(members(ids, "digits", split, validation=0.2, test=0.2))


def _table() -> NDArray[np.float64]:
    """Read the file that scikit-learn ships; importing scikit-learn would take seconds."""
    file = distribution("scikit-learn").locate_file("sklearn/datasets/data/digits.csv.gz")
    return np.loadtxt(str(file), delimiter=",")
