"""Train, validation and test by hash of id, where the source does not say."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from acn_eval.seeds import hash_ids

__all__ = ["Split", "members"]

Split = Literal["train", "validation", "test"]


def members(
    ids: NDArray[np.int64], name: str, split: Split, *, validation: float, test: float
) -> NDArray[np.int64]:
    """Return the positions of the ids that belong to a split.

    A hash of (name, id), uniform on [0, 1), below `test` is test, below `test + validation` is
    validation, and train is the rest: an example keeps its split when others come or go.
    """
    u = hash_ids(ids, "split", name) / 2.0**64
    bounds = {"test": (0, test), "validation": (test, test + validation)}
    low, high = bounds.get(split, (test + validation, 1.1))
    return np.flatnonzero((u >= low) & (u < high)).astype(np.int64)
