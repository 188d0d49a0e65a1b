"""Which part of a data set is its train, validation and test split."""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from acn_eval.data.examples import Split
from acn_eval.errors import DataError

__all__ = ["Part", "by_split", "part_of", "split_called"]

_CALLED: Mapping[str, Split] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
}


class Part(NamedTuple):
    """Where the examples of a split lie.

    Attributes:
        split: the part of the source.
        cut: whether train is without, and validation is, 10 % of it by hash of the ids.
    """

    split: Split
    cut: bool


def split_called(name: str) -> Split | None:
    """Return the split that a folder or file of this name holds, or None.

    >>> split_called("val"), split_called("cats")
    ('validation', None)
    """
    return _CALLED.get(name.lower())


def by_split(names: Iterable[str], where: str) -> dict[Split, str]:
    """Return which of some names of folders is that of each split; others are left out.

    Raises:
        DataError: two are names of one split.
    """
    found = dict[Split, str]()
    for name in names:
        if split := split_called(name):
            if split in found:
                what = f"must have one folder of {split}"
                raise DataError(f"{where}: {what}; got {found[split]} and {name}")
            found[split] = name
    return found


def part_of(split: Split, have: Collection[Split], where: str) -> Part:
    """Return where a split is found; a validation without test is the test split.

    Raises:
        DataError: nowhere.
    """
    all_there = {"validation", "test"} <= set(have)
    found: Split = split if all_there or split == "train" else "train"
    if split == "test":
        found = "test" if "test" in have else "validation"
    if found not in have:
        needs = "train beside test" if split != "test" else "test or validation"
        msg = f"{where}: has no {split} split; found {', '.join(sorted(have)) or 'nothing'}"
        raise DataError(f"{msg}. It needs {needs}.")
    return Part(found, found == "train" and not all_there)
