"""``folder:PATH``: an ImageFolder, one sub-folder per class; decoded when read."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from acn_eval.data.decoding import SUFFIXES, content_of, decode
from acn_eval.data.examples import Examples, Split, members
from acn_eval.data.geometry import Geometry
from acn_eval.errors import DataError, MeasureError
from acn_eval.foreign_text import is_unicode
from acn_eval.inputs import content_hash

__all__ = ["FileImages", "open_folder"]

_BESIDE = "beside the folders of the classes"
_DANGLING = "a dangling link"
_FOLDER = "a folder"
_LOOP = "a link to a folder that is read already"
_PIPE = "a pipe or device"
_NAMED = {_BESIDE, _DANGLING, _FOLDER, _LOOP, _PIPE}
_SHOWN = 5


@dataclass(frozen=True)
class FileImages:
    """Image files; only those that are asked for are in memory.

    What a file holds is hashed when it is first read, and it must hold the same ever after: the
    images that a network saw are those of the fingerprint.
    """

    modality: ClassVar[str] = Geometry.modality

    files: Sequence[Path]

    def read(self, positions: NDArray[np.int64], spec: Geometry) -> Tensor:
        """Return uint8 (n, channels, size, size).

        Raises:
            DataError: a file is no image.
            MeasureError: a file has changed since it was first read.
        """
        return spec.stack(self._decoded(i) for i in positions.tolist())

    def hashes(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return one 63-bit hash (n,) of each file's bytes, as they were first read."""
        for i in positions[self._known[positions] < 0].tolist():
            self._content(i)
        return self._known[positions]

    def shape(self) -> tuple[int, int, int]:
        """Return (channels, height, width) of the first image."""
        height, width, channels = self._decoded(0).shape
        return channels, height, width

    @cached_property
    def _known(self) -> NDArray[np.int64]:
        """Hash (files,) of what each file held when it was first read; -1 before."""
        return np.full(len(self.files), -1, np.int64)

    def _decoded(self, i: int) -> NDArray[np.uint8]:
        return decode(self._content(i), self.files[i])

    def _content(self, i: int) -> bytes:
        content = content_of(self.files[i])
        found = content_hash(content)
        if self._known[i] not in {-1, found}:
            msg = f"{self.files[i]}: must stay as it is while it is read; it has changed"
            raise MeasureError(f"{msg}. Run it again.")
        self._known[i] = found
        return content


def open_folder(path: Path, split: Split) -> Examples:
    """Return a split of ``PATH/{train,val,validation,test}/<class>/*``.

    A ``val`` without ``test`` is the test split; validation is then 10 % of train by hash. A
    folder of classes without any of these is a test set, whole. Ids are hashes of the relative
    path, so that they survive files that come or go.

    Raises:
        DataError: no such folder, no images, or no such split.
    """
    name = f"folder:{path}"
    try:
        return _opened(path, split, name)
    except OSError as exc:
        what = "must be a folder that can be read"
        raise DataError(f"{name}: {what}; {exc.filename}: {exc.strerror}") from exc


def _opened(path: Path, split: Split, name: str) -> Examples:
    base, hashed = _locate(path, split, name)
    classes = _classes(base, name)
    listed = [(entry, why) for c in classes for entry, why in _listed(base / c)]
    files = sorted(entry for entry, why in listed if not why)
    if not files:
        msg = f"{name}: must hold images in one sub-folder per class; found none in {base}"
        raise DataError(msg)
    relative = [f.relative_to(base).as_posix() for f in files]
    ids = np.array([content_hash(os.fsencode(r)) for r in relative], np.int64)
    number = {c: i for i, c in enumerate(classes)}
    labels = np.array([number[r.split("/")[0]] for r in relative], np.int64)
    strays = [(f, _BESIDE) for f in sorted(base.iterdir()) if f.suffix.lower() in SUFFIXES]
    notes = tuple(_notes([*listed, *strays], base, name))
    where = np.arange(len(ids))
    whole = Examples(name, split, ids, labels, classes, FileImages(files), where, notes)
    return whole.at(members(ids, path.name, split, validation=0.1, test=0.0)) if hashed else whole


def _classes(base: Path, name: str) -> tuple[str, ...]:
    found = sorted(d.name for d in base.iterdir() if d.is_dir() and not d.name.startswith("."))
    for given in found:
        if not is_unicode(given):
            raise DataError(f"{name}: names of classes must be UTF-8; got {os.fsencode(given)!r}")
    return tuple(found)


def _listed(top: Path) -> Iterator[tuple[Path, str]]:
    """Yield every file below a folder and why it is left out, "" if it is an image.

    Links are followed; a folder that several of them lead to is read once.
    """
    seen, folders = set(), [top]
    while folders:
        folder = folders.pop()
        status = folder.stat()
        if (status.st_dev, status.st_ino) in seen:
            yield folder, _LOOP
            continue
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as entries:
            for entry in entries:
                path = folder / entry.name
                if entry.is_dir():
                    folders.append(path)
                if why := _why_not(entry, path.suffix.lower()):
                    yield path, why
                elif not entry.is_dir():
                    yield path, ""


def _locate(path: Path, split: Split, name: str) -> tuple[Path, bool]:
    if not os.path.isdir(path):  # False, where Path.is_dir raises: a name that is too long
        raise DataError(f"{name}: must be a folder; there is none")
    here = {d.name: d for d in path.iterdir() if d.is_dir() and not d.name.startswith(".")}
    val = here.get("validation", here.get("val"))
    if split == "test":
        fallback = None if "train" in here else path
        found = here.get("test", val or fallback)
    elif split == "validation" and "test" in here and val:
        return val, False
    else:
        found = here.get("train")
    if found is None:
        raise DataError(
            f"{name}: has no {split} split; found {', '.join(sorted(here)) or 'nothing'}"
        )
    return found, split != "test" and not ("test" in here and val)


def _why_not(entry: os.DirEntry[str], suffix: str) -> str:
    """Why an entry is left out, "" if it is an image or a plain folder, which may hold some."""
    if entry.is_dir():
        return _FOLDER if suffix in SUFFIXES else ""
    if entry.name.startswith("."):
        return "hidden"  # e.g. ._a.jpg, which macOS leaves behind
    if suffix not in SUFFIXES:
        return suffix or "without suffix"
    if entry.is_file():
        return ""
    return _DANGLING if entry.is_symlink() else _PIPE


def _notes(listed: Sequence[tuple[Path, str]], base: Path, name: str) -> Iterator[str]:
    """Say in words what was left out: by name what looks like an image, the rest by kind."""
    left_out = [(entry.relative_to(base), why) for entry, why in listed if why]
    kinds = Counter(why for _, why in left_out if why not in _NAMED)
    if kinds:
        counts = [f"{n} {why}" for why, n in kinds.most_common()]
        yield f"{name}: left out {kinds.total()} files that are no images: {_some(counts)}"
    named = [f"{entry} ({why})" for entry, why in left_out if why in _NAMED]
    if named:
        yield f"{name}: left out {len(named)} that look like images: {_some(sorted(named))}"


def _some(parts: Sequence[str]) -> str:
    more = len(parts) - _SHOWN
    return ", ".join(parts[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
