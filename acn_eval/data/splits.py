"""Which part of a data set is its train, validation and test split."""

import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from acn_eval.data.examples import Split
from acn_eval.errors import DataError

__all__ = ["Files", "Part", "by_split", "files_below", "files_by_split", "part_of", "split_called"]

_CALLED: Mapping[str, Split] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
}
_MOST_FILES = 10_000
Files = Mapping[Split, Sequence[Path]]


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


def files_below(path: Path, suffix: str, where: str) -> Files:
    """Return the files of a suffix below a folder, by the split that each states; or the one file.

    Raises:
        DataError: there are none, or too many, or some state no split.
    """
    if os.path.isfile(path):  # False, where Path.is_file raises: a name that is too long
        return {"test": [path]}
    listed = sorted(path.rglob(f"*.{suffix}")) if os.path.isdir(path) else []
    files = [file for file in listed if os.path.isfile(file)]
    if not files:
        raise DataError(f"{where}: must be a file or folder of .{suffix}; there is none")
    return files_by_split(files, path, where)


def files_by_split(files: Sequence[Path], top: Path, where: str) -> Files:
    """Return files below a folder by split, each list in the given order.

    The name of a file or that of the folder nearest to it states the split; where none does, all
    are one test set.

    Raises:
        DataError: some state it and others do not, or they are too many.
    """
    if len(files) > _MOST_FILES:
        raise DataError(f"{where}: must have at most {_MOST_FILES:,} files; got {len(files):,}")
    split = {file: _split_of(file.relative_to(top)) for file in files}
    if not any(split.values()):
        return {"test": files}
    strange = [file for file in files if split[file] is None]
    if strange:
        what = "every file must state its split in its name or folder"
        example = f"train-00000{strange[0].suffix}"
        raise DataError(f"{where}: {what}, as {example} does; got {strange[0].name}")
    own = {s for s in split.values() if s}
    return {s: [f for f in files if split[f] == s] for s in own}


def _split_of(relative: Path) -> Split | None:
    """Return the split that the name of a file states, or that of the folder nearest to it."""
    names = [relative.name.partition(".")[0], *(folder.name for folder in relative.parents)]
    for name in names:
        for word in re.split(r"[-_.]", name):
            if split := split_called(word):
                return split
    return None
