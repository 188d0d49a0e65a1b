"""The embedded data set: 1,797 handwritten digits of 8 x 8 pixels (scikit-learn, UCI)."""

import numpy as np
from sklearn.datasets import load_digits

from acn_eval.data.examples import ArrayPictures, Examples
from acn_eval.data.splits import Split, members

__all__ = ["open_digits"]


def open_digits(split: Split) -> Examples:
    """Return a split of digits: 60 % train, 20 % validation, 20 % test by hash of id.

    The 17 grey levels 0 .. 16 become round(level * 255 / 16).
    """
    bunch = load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[..., None]
    ids = np.arange(len(images), dtype=np.int64)
    where = members(ids, "digits", split, validation=0.2, test=0.2)
    return Examples(
        name="digits",
        split=split,
        ids=ids[where],
        labels=bunch.target.astype(np.int64)[where],
        classes=tuple(str(digit) for digit in range(10)),
        pictures=ArrayPictures(images),
        positions=where,
    )
