"""Examples: labels, stable ids, a content fingerprint and a keyed order over any inputs."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from acn_eval.errors import ConfigError, DataError
from acn_eval.inputs import Inputs, InputSpec
from acn_eval.results import DataId
from acn_eval.seeds import hash_ids, keyed_order

__all__ = [
    "Examples",
    "Split",
    "listed_classes",
    "members",
    "number_of",
]

_DIGITS = 9
Split = Literal["train", "validation", "test"]
B = TypeVar("B")


@dataclass(frozen=True)
class Examples:
    """One split of one data set, or a part of it.

    Attributes:
        name: as typed, e.g. ``"digits"``, ``"cifar10"``, ``"npz:PATH"``.
        split: ``train``, ``validation`` or ``test``.
        ids: int64 (n,), unique and stable within the data set's split.
        labels: int64 (n,), index into `classes`.
        targets: float32 (n,), numbers that the data states in place of classes; labels are then 0,
            and `classes` is the name of the number alone.
        inputs: where their content comes from; `positions` point into it.
        positions: int64 (n,).
        notes: what a reader must know about how they were read, in words.
        source_classes: all classes of the data set in its own order, of which `classes` are some;
            empty where they are all.
        named: whether the data set names its classes; otherwise they are "0", "1", ...
        brittle: why a corrupted example may be of another class, which forbids corruptions; empty
            where labels survive.
        metrics: what answers are measured in, by their names in `acn-eval list metrics`; the first
            is the primary one.
    """

    name: str
    split: str
    ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    inputs: Inputs
    positions: NDArray[np.int64]
    notes: tuple[str, ...] = ()
    source_classes: tuple[str, ...] = ()
    named: bool = True
    brittle: str = ""
    metrics: tuple[str, ...] = ("accuracy",)
    targets: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.ids)

    def __reduce__(self) -> tuple[Any, ...]:
        """Take along the content, or the places, of these examples alone."""
        alone = {"inputs": self.inputs.part(self.positions), "positions": np.arange(len(self))}
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return type(self), tuple({**named, **alone}.values())

    def read(self, where: NDArray[np.int64], spec: InputSpec[B]) -> B:
        """Return the examples at these indices as a spec asks for; images are uint8.

        Raises:
            DataError: they are of another modality, or cannot be read.
        """
        self.require(spec)
        batch: B = self.inputs.read(self.positions[where], spec)
        return batch

    def require(self, spec: InputSpec[Any]) -> None:
        """Refuse examples of another modality than that of a spec.

        Raises:
            DataError: they are.
        """
        if spec.modality != self.inputs.modality:
            msg = f"{self.name}: must hold {spec.modality}, which the network reads"
            raise DataError(f"{msg}; got {self.inputs.modality}")

    def at(self, where: NDArray[np.int64]) -> "Examples":
        """Return the examples at these indices, in that order."""
        return replace(
            self,
            ids=self.ids[where],
            labels=self.labels[where],
            positions=self.positions[where],
            targets=None if self.targets is None else self.targets[where],
        )

    def classified(self) -> "Examples":
        """Return the examples, if they have classes.

        Raises:
            DataError: they have numbers.
        """
        if self.targets is None:
            return self
        msg = f"{self.name}: examples must have classes here; these have numbers"
        raise DataError(f"{msg}. `acn-eval robustness` and `train` read those.")

    def keyed(self, limit: int | None = None) -> "Examples":
        """Return the examples in an order fixed by name, split and ids: the first `limit`.

        Of a path only the last part counts: the same data in another place has the same order.
        """
        name = Path(self.name.partition(":")[2] or self.name).name
        return self.at(keyed_order(self.ids, "order", name, self.split)[:limit])

    def only(self, classes: Sequence[str]) -> "Examples":
        """Return the examples of these classes, with labels that index into `classes`.

        Raises:
            DataError: a class is not in the data, or named twice.
        """
        if len(set(classes)) != len(classes):
            raise DataError(f"{self.name}: classes must differ; got {', '.join(classes)}")
        unknown = [name for name in classes if name not in self.classes]
        if unknown:
            known, got = (", ".join(names[:20]) for names in (self.classes, unknown))
            raise DataError(f"{self.name}: classes must be among {known}; got {got}")
        new_label = np.full(len(self.classes), -1, np.int64)
        new_label[[self.classes.index(name) for name in classes]] = np.arange(len(classes))
        kept = self.at(np.flatnonzero(new_label[self.labels] >= 0))
        return replace(
            kept,
            labels=new_label[kept.labels],
            classes=tuple(classes),
            source_classes=self.all_classes,
        )

    def labeled_as(self, other: "Examples") -> "Examples":
        """Return the examples, if their labels mean what they mean in another split.

        A label is a position among the classes that its own split lists.

        Raises:
            DataError: the splits list other classes, or in another order.
        """
        if self.classes == other.classes:
            return self
        pairs = zip_longest(self.classes, other.classes, fillvalue="nothing")
        first = next(f"{own} against {theirs}" for own, theirs in pairs if own != theirs)
        have, want = len(self.classes), len(other.classes)
        what = f"{self.split} must have the classes of {other.split}, in the same order"
        msg = f"{self.name}: {what}; got {have} against {want}, and first {first}"
        raise DataError(f"{msg}. Choose classes that both have.")

    @property
    def answers(self) -> NDArray[np.int64] | NDArray[np.float32]:
        """What answers are compared with (n,): labels, or numbers where the data states those."""
        return self.labels if self.targets is None else self.targets

    @property
    def all_classes(self) -> tuple[str, ...]:
        """All classes of the data set in its own order, those that were not chosen included."""
        return self.source_classes or self.classes

    @cached_property
    def hashes(self) -> NDArray[np.int64]:
        """One 63-bit content hash (n,) per example."""
        return self.inputs.hashes(self.positions)

    @cached_property
    def digest(self) -> str:
        """64 hex digits over ids, content and labels or numbers, in their order."""
        columns = (self.ids, self.hashes, self.answers)
        return hashlib.sha256(b"".join(c.tobytes() for c in columns)).hexdigest()

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits over ids, labels or numbers, content and class names, in any order."""
        order = np.argsort(self.ids)
        digest = hashlib.sha256("\x1f".join(self.classes).encode())
        for column in (self.ids, self.answers, self.hashes):
            digest.update(np.ascontiguousarray(column[order]).tobytes())
        return digest.hexdigest()[:16]

    @property
    def id(self) -> DataId:
        """The record that goes into a result."""
        return DataId(self.name, self.split, len(self), self.fingerprint, self.classes)


def members(
    ids: NDArray[np.int64], name: str, split: Split, *, validation: float, test: float
) -> NDArray[np.int64]:
    """Return the positions of the ids in a split, for data whose source does not split them.

    A hash of (name, id), uniform on [0, 1), below `test` is test, below `test + validation` is
    validation, and train is the rest: an example keeps its split when others come or go.
    """
    u = hash_ids(ids, "split", name) / 2.0**64
    bounds = {"test": (0, test), "validation": (test, test + validation)}
    low, high = bounds.get(split, (test + validation, 1.1))
    return np.flatnonzero((u >= low) & (u < high)).astype(np.int64)


def number_of(name: str) -> int | None:
    """Return the number that a class is called by, or None; ten digits are too many.

    >>> number_of("07"), number_of("seven")
    (7, None)
    """
    return int(name) if name.isdecimal() and len(name) <= _DIGITS else None


def listed_classes(parts: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of classes that are listed by name, position or range of positions.

    `names` are those of all classes, in order; a part that is none of the three stays as it is.

    Raises:
        ConfigError: a position does not exist, or is the name of another class.

    >>> listed_classes(["dog", "0-1"], ["cat", "cow", "dog"])
    ('dog', 'cat', 'cow')
    """
    return tuple(dict.fromkeys(name for part in parts for name in _listed(part, names)))


def _listed(part: str, names: Sequence[str]) -> Sequence[str]:
    low, dash, high = part.partition("-")
    first = number_of(low)
    last = number_of(high) if dash else first
    if part in names or first is None or last is None:
        return (part,)
    if not first <= last < len(names):
        msg = f"`classes`: must be names or positions 0-{len(names) - 1}; got {part}"
        raise ConfigError(msg, "classes")
    chosen = names[first : last + 1]
    numbered = {number_of(name): i for i, name in enumerate(names)}
    if any(numbered.get(i, i) != i for i in range(first, last + 1)):
        what = "`classes`: must be names where classes are called by numbers other than positions"
        msg = f"{what}; got {part}, the positions of {', '.join(chosen[:5])}"
        raise ConfigError(msg, "classes")
    return chosen
