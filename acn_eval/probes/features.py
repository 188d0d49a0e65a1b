"""Features that carry their split in their type, so that nothing can be chosen on test.

A function that fits takes ``Features[Train]``, one that chooses ``Features[Validation]``, and one
that reports ``Features[Test]``: a type checker and the call itself refuse any other.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from acn_eval.seeds import keyed_order

__all__ = [
    "Features",
    "Split",
    "Test",
    "Train",
    "Validation",
    "held_out",
    "merged",
    "require",
    "shots",
]


class Split:
    """One of the three splits, as a type without instances."""

    name: ClassVar[str]


class Train(Split):
    """What probes are fitted on."""

    name = "train"


class Validation(Split):
    """What strengths and depths are chosen on."""

    name = "validation"


class Test(Split):
    """What is reported, once, at the end."""

    __test__ = False  # its name is no test of pytest's
    name = "test"


S = TypeVar("S", bound=Split)


@dataclass(frozen=True)
class Features(Generic[S]):
    """Features of one depth and reading, for the images of one split.

    Attributes:
        x: float32 (n, width).
        labels: int64 (n,), index into the classes.
        ids: int64 (n,), the keys of draws.
    """

    split: type[S]
    x: NDArray[np.float32]
    labels: NDArray[np.int64]
    ids: NDArray[np.int64]
    classes: int

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)

    def at(self, where: NDArray[np.int64]) -> "Features[S]":
        """Return the features of the images at these indices, in that order."""
        return replace(self, x=self.x[where], labels=self.labels[where], ids=self.ids[where])


def require(split: type[S], features: Features[S]) -> Features[S]:
    """Return the features of this split; raise TypeError for those of another."""
    if features.split is not split:
        msg = f"probes: features must be those of {split.name}; got {features.split.name}"
        raise TypeError(msg)
    return features


def merged(train: Features[Train], validation: Features[Validation]) -> Features[Train]:
    """Return both as training features, for the last fit after every choice."""
    require(Train, train)
    require(Validation, validation)
    return replace(
        train,
        x=np.concatenate([train.x, validation.x]),
        labels=np.concatenate([train.labels, validation.labels]),
        ids=np.concatenate([train.ids, validation.ids]),
    )


def held_out(train: Features[Train], share: float) -> tuple[Features[Train], Features[Validation]]:
    """Split off a share of the training images, keyed by id, as validation; at least one each."""
    require(Train, train)
    order = keyed_order(train.ids, "held out")
    taken = min(max(1, int(len(train) * share)), len(train) - 1)
    own, rest = train.at(order[:taken]), train.at(order[taken:])
    return rest, Features(Validation, own.x, own.labels, own.ids, own.classes)


def shots(train: Features[Train], per_class: int, draw: int) -> Features[Train] | None:
    """Return `per_class` images of every class, or None where a class has fewer.

    They are keyed by id and draw: of one draw, fewer images are a subset of more.
    """
    require(Train, train)
    order = keyed_order(train.ids, "shots", draw)
    where = [order[train.labels[order] == c][:per_class] for c in range(train.classes)]
    if any(len(found) < per_class for found in where):
        return None
    return train.at(np.concatenate(where))
