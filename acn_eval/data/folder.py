"""``folder:PATH``: images in one sub-folder per class, decoded when they are read.

The layouts are torchvision's ImageFolder, in which ImageNet lies too, and Tiny-ImageNet's as it is
published, whose validation images are labeled by a file.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from acn_eval.config_files import limited
from acn_eval.data.decoding import SUFFIXES, content_of
from acn_eval.data.encoded import EncodedImages
from acn_eval.data.examples import Examples, Split, members
from acn_eval.data.splits import Part, by_split, part_of
from acn_eval.errors import DataError
from acn_eval.foreign_text import is_unicode
from acn_eval.inputs import content_hash

__all__ = ["FileImages", "open_folder"]

_ANNOTATIONS = "val_annotations.txt"
_MOST_BYTES = 2**26  # of annotations: a million lines
_BESIDE = "beside the folders of the classes"
_DANGLING = "a dangling link"
_FOLDER = "a folder"
_LOOP = "a link to a folder that is read already"
_PIPE = "a pipe or device"
_UNLABELED = f"without a line in {_ANNOTATIONS}"
_NAMED = {_BESIDE, _DANGLING, _FOLDER, _LOOP, _PIPE, _UNLABELED}
_SHOWN = 5


@dataclass(frozen=True)
class FileImages(EncodedImages):
    """Image files.

    Attributes:
        folder: below which they lie.
        files: where, as strings: a million of them are found in seconds.
        names: ``CLASS/FILE`` of each, which stays the same when the data set is moved.
        hashes_before: of what each held where it was read before, in another process.
    """

    folder: Path
    files: Sequence[str]
    names: Sequence[str] = ()
    hashes_before: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        """Return the number of files."""
        return len(self.files)

    def place(self, position: int) -> str:
        """Return the path."""
        return f"{self.folder}/{self.files[position]}"

    def stored(self, positions: NDArray[np.int64]) -> Iterator[tuple[int, bytes]]:
        """Yield the content of every file."""
        for k, position in enumerate(positions.tolist()):
            yield k, content_of(Path(self.place(position)))

    def part(self, positions: NDArray[np.int64]) -> "FileImages":
        """Return the paths of these images, which another process reads."""
        where = positions.tolist()
        files = [self.files[i] for i in where]
        names = [self.names[i] for i in where] if self.names else ()
        return FileImages(self.folder, files, names, self._known[positions])

    def expected(self) -> NDArray[np.int64]:
        """Return what was read before."""
        return super().expected() if self.hashes_before is None else self.hashes_before


class _Found(NamedTuple):
    """Images below a folder, in order, all classes, and what was left out and why."""

    files: Sequence[str]
    names: Sequence[str]
    classes: tuple[str, ...]
    left_out: Sequence[tuple[str, str]]


def open_folder(path: Path, split: Split) -> Examples:
    """Return a split of ``PATH/{train,val,test}/<class>/*``.

    A ``val`` (or ``valid``, or ``validation``) without ``test`` is the test split; validation is
    then 10 % of train by hash. A folder of classes without any of these is a test set, whole.
    Where ``val`` holds ``images`` and ``val_annotations.txt``, as Tiny-ImageNet is published, the
    lines of the latter have the classes, and its test set, which has no labels, is none. Ids are
    hashes of ``<class>/<file>``, so that they survive files that come or go.

    Raises:
        DataError: no such folder, no images, no labels, no such split, or two folders of it.
    """
    name = f"folder:{path}"
    try:
        return _opened(path, split, name)
    except OSError as exc:
        what = "must be a folder that can be read"
        raise DataError(f"{name}: {what}; {exc.filename}: {exc.strerror}") from exc


def _opened(path: Path, split: Split, name: str) -> Examples:
    base, cut = _locate(path, split, name)
    found = _annotated(base, name) if (base / _ANNOTATIONS).exists() else _sorted(base, name)
    if not found.files:
        strays = sum(why == _BESIDE for _, why in found.left_out)
        what = f"{strays} images beside them, whose classes nobody states" if strays else "none"
        msg = f"must hold images in one sub-folder per class; found {what} in {base}"
        raise DataError(f"{name}: {msg}")
    ids = np.array([content_hash(os.fsencode(n)) for n in found.names], np.int64)
    number = {c: i for i, c in enumerate(found.classes)}
    labels = np.array([number[n.partition("/")[0]] for n in found.names], np.int64)
    notes = tuple(_notes(found.left_out, name))
    images = FileImages(base, found.files, found.names)
    where = np.arange(len(ids))
    whole = Examples(name, split, ids, labels, found.classes, images, where, notes)
    return whole.at(members(ids, path.name, split, validation=0.1, test=0.0)) if cut else whole


def _sorted(base: Path, name: str) -> _Found:
    """Return what lies in one sub-folder per class."""
    classes = _classes(base, name)
    listed = [own for c in classes for own in _listed(base, c)]
    files = sorted((file for file, why in listed if not why), key=_by_folder)
    strays = sorted(f.name for f in base.iterdir() if f.suffix.lower() in SUFFIXES)
    left_out = [(file, why) for file, why in listed if why]
    return _Found(files, files, classes, [*left_out, *((f, _BESIDE) for f in strays)])


def _annotated(base: Path, name: str) -> _Found:
    """Return what lies in ``images``, by the classes that lines ``FILE<tab>CLASS...`` state."""
    try:
        lines = limited(base / _ANNOTATIONS, _MOST_BYTES).decode().splitlines()
        stated = dict(line.split("\t")[:2] for line in lines if line)
    except ValueError as exc:
        what = "must have lines of a file, a tab and a class"
        raise DataError(f"{name}: {base / _ANNOTATIONS} {what}; {exc}") from exc
    wrong = [c for c in stated.values() if not c or "/" in c or c in {".", ".."}]
    if wrong:
        msg = f"{name}: {base / _ANNOTATIONS} must state names of classes; got {wrong[0]!r:.50}"
        raise DataError(msg)
    names, left_out = dict[str, str](), []
    for file, why in _listed(base, "images"):
        own = file.rpartition("/")[2]
        if reason := why or ("" if own in stated else _UNLABELED):
            left_out.append((file, reason))
        else:
            names[f"{stated[own]}/{own}"] = file
    order = sorted(names)
    files = [names[own] for own in order]
    return _Found(files, order, tuple(sorted({*stated.values()})), left_out)


def _classes(base: Path, name: str) -> tuple[str, ...]:
    found = sorted(d.name for d in base.iterdir() if d.is_dir() and not d.name.startswith("."))
    for given in found:
        if not is_unicode(given):
            raise DataError(f"{name}: names of classes must be UTF-8; got {os.fsencode(given)!r}")
    return tuple(found)


def _by_folder(file: str) -> str:
    """Sort as paths do: by folder, then by what lies in it."""
    return file.replace("/", "\0")


def _listed(base: Path, top: str) -> Iterator[tuple[str, str]]:
    """Yield every file below a folder of another, and why it is left out, "" if it is an image.

    Links are followed; a folder that several of them lead to is read once.
    """
    seen, folders = set(), [top]
    while folders:
        folder = folders.pop()
        status = os.stat(base / folder)
        if (status.st_dev, status.st_ino) in seen:
            yield folder, _LOOP
            continue
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(base / folder) as entries:
            for entry in entries:
                path = f"{folder}/{entry.name}"
                is_folder = entry.is_dir()
                if is_folder:
                    folders.append(path)
                if why := _why_not(entry, _suffix(entry.name)):
                    yield path, why
                elif not is_folder:
                    yield path, ""


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower().rstrip(".")


def _locate(path: Path, split: Split, name: str) -> tuple[Path, bool]:
    if not os.path.isdir(path):  # False, where Path.is_dir raises: a name that is too long
        raise DataError(f"{name}: must be a folder; there is none")
    folders = sorted(d.name for d in path.iterdir() if d.is_dir())
    here = {own: path / folder for own, folder in by_split(folders, name).items()}
    if not here:
        if split == "test":
            return path, False
        msg = f"{name}: has no {split} split; it is one folder of classes, which is a test set"
        raise DataError(f"{msg}. Put its folders into {path.name}/test, beside {path.name}/train.")
    if "validation" in here and (here["validation"] / _ANNOTATIONS).exists():
        here.pop("test", None)  # its images have no labels
    part: Part = part_of(split, here, name)
    return here[part.split], part.cut


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


def _notes(left_out: Sequence[tuple[str, str]], name: str) -> Iterator[str]:
    """Say in words what was left out: by name what looks like an image, the rest by kind."""
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
