"""``npz:PATH``: one file with images and labels, or a folder with train.npz and test.npz."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acn_eval.data.archive import Archive, Declared, open_archive
from acn_eval.data.examples import Examples, Split, members
from acn_eval.data.images import ArrayImages
from acn_eval.errors import DataError
from acn_eval.foreign_text import is_unicode

__all__ = ["open_npz"]

_PLENTY = 2**29
"""Bytes that any file may take in memory."""
_UNPACKED = 16
"""Times its own size that a larger one may take."""
_BESIDE = 64
"""Bytes that an example takes beside its pixels: label, id, position, order."""
_MOST_CLASSES = 100_000
_LONGEST_NAME = 1000


def open_npz(path: Path, split: Split) -> Examples:
    """Return a split of arrays ``images`` uint8 (n, h, w[, c]) and ``labels`` (n,).

    One file is a test set, whole. A folder has train.npz and test.npz, and validation.npz or
    10 % of train by hash of id. Optional: ``classes`` (names), ``ids`` (int64, unique).

    Raises:
        DataError: not there, not such arrays, or no such split.
    """
    name = f"npz:{path}"
    file, hashed = _locate(path, split, name)
    whole = _read(file, split, name)
    if not hashed:
        return whole
    return whole.at(members(whole.ids, path.name, split, validation=0.1, test=0.0))


def _locate(path: Path, split: Split, name: str) -> tuple[Path, bool]:
    if os.path.isfile(path):  # False, where Path.is_file raises: a name that is too long
        if split != "test":
            msg = f"{name}: one file is a test set; training needs a folder with train.npz"
            raise DataError(msg)
        return path, False
    own = path / f"{split}.npz"
    if os.path.isfile(own) and split != "train":
        return own, False
    train = path / "train.npz"
    if split != "test" and os.path.isfile(train):
        return train, not os.path.isfile(path / "validation.npz")
    msg = f"{name}: must be an .npz file or a folder with train.npz and test.npz; no {own.name}"
    raise DataError(msg)


def _read(file: Path, split: Split, name: str) -> Examples:
    """Read what is asked for, once its headers say that it fits and is not too much."""
    with open_archive(file, ("images", "labels", "classes", "ids"), name) as archive:
        n = _images_fit(archive, name)
        _column_fits(archive.declared.get("labels"), n, f"{name}: 'labels' must be {n} integers")
        pixels: NDArray[np.uint8] = archive.read("images")
        labels = _labels(archive.read("labels"), name)
        classes = _classes(archive, int(labels.max()), name)
        ids, named = _ids(archive, n, name), "classes" in archive.declared
    inputs = ArrayImages(pixels[..., None] if pixels.ndim == 3 else pixels)
    return Examples(name, split, ids, labels, classes, inputs, np.arange(n), named=named)


def _images_fit(archive: Archive, name: str) -> int:
    """Return the number of images if their shape and the memory that they take are allowed."""
    images = archive.declared.get("images")
    if images is None or images.dtype != np.uint8 or len(images.shape) not in {3, 4}:
        what = "'images' must be uint8 (n, height, width[, channels])"
        raise DataError(f"{name}: {what}; got {images or 'nothing'}")
    if not images.nbytes:
        raise DataError(f"{name}: 'images' must have pixels; got shape {images.shape}")
    if images.shape[3:] not in {(), (1,), (3,)}:
        what = "'images' must have 1 or 3 channels, last"
        raise DataError(f"{name}: {what}; got shape {images.shape}")
    n = images.shape[0]
    room, most = images.nbytes + _BESIDE * n, max(_PLENTY, _UNPACKED * archive.size)
    if room > most:
        what = f"must take at most {most / 1e9:.1f} GB in memory, from a file of this size"
        msg = f"{name}: {what}; its images take {room / 1e9:.1f} GB"
        raise DataError(f"{msg}. Save large ones with numpy.savez, which does not compress.")
    return n


def _column_fits(column: Declared | None, n: int, what: str) -> None:
    if column is None or column.dtype.kind not in "iu" or column.shape != (n,):
        raise DataError(f"{what}, one per image; got {column or 'nothing'}")


def _labels(labels: NDArray[Any], name: str) -> NDArray[np.int64]:
    """Check labels in their own type: a cast would wrap the largest to -1."""
    for worst in (int(labels.min()), int(labels.max())):
        if not 0 <= worst < _MOST_CLASSES:
            what = f"'labels' must be integers from 0 to {_MOST_CLASSES - 1}"
            raise DataError(f"{name}: {what}; got {worst}")
    return labels.astype(np.int64)


def _classes(archive: Archive, highest: int, name: str) -> tuple[str, ...]:
    declared = archive.declared.get("classes")
    if declared is None:
        return tuple(str(i) for i in range(highest + 1))
    few = len(declared.shape) == 1 and 0 < declared.shape[0] <= _MOST_CLASSES
    short = declared.dtype.itemsize <= 4 * _LONGEST_NAME
    if not few or not short or declared.dtype.kind not in "USiu":
        raise DataError(f"{name}: 'classes' must be different names (k,); got {declared}")
    classes = _names(archive.read("classes"), name)
    if len(set(classes)) < len(classes):
        raise DataError(f"{name}: 'classes' must be different names (k,); some are the same")
    if highest >= len(classes):
        msg = f"{name}: labels must be below {len(classes)}, the number of classes; got "
        raise DataError(f"{msg}{highest}")
    return classes


def _names(classes: NDArray[Any], name: str) -> tuple[str, ...]:
    try:
        found = [c.decode() if isinstance(c, bytes) else str(c) for c in classes]
    except (ValueError, SystemError) as exc:  # NumPy's words for what are no letters
        raise DataError(f"{name}: 'classes' must be Unicode names; {exc}") from exc
    if not all(map(is_unicode, found)):
        raise DataError(f"{name}: 'classes' must be Unicode names; some hold surrogates")
    return tuple(found)


def _ids(archive: Archive, n: int, name: str) -> NDArray[np.int64]:
    if "ids" not in archive.declared:
        return np.arange(n)
    what = f"{name}: 'ids' must be {n} different integers"
    _column_fits(archive.declared["ids"], n, what)
    ids = archive.read("ids")
    if len(np.unique(ids)) != n:
        raise DataError(f"{what}; some are the same")
    if int(ids.max()) > np.iinfo(np.int64).max:
        raise DataError(f"{what} of 64 bits with a sign; got {ids.max()}")
    return ids.astype(np.int64)
