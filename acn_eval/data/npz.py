"""``npz:PATH``: one file with images and labels, or a folder with train.npz and test.npz."""

import zlib
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from acn_eval.data.examples import ArrayPictures, Examples
from acn_eval.data.splits import Split, members
from acn_eval.errors import DataError

__all__ = ["open_npz"]

_DAMAGED = (
    BadZipFile,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,  # encrypted, or a compression that zipfile does not know
    SyntaxError,
    ValueError,
    zlib.error,
)


def open_npz(path: Path, split: Split) -> Examples:
    """Return a split of arrays ``images`` uint8 (n, h, w[, c]) and ``labels`` (n,).

    One file is a test set, whole. A folder has train.npz and test.npz, and validation.npz or
    10 % of train by hash of id. Optional: ``classes`` (names), ``ids`` (int64, unique).

    Raises:
        DataError: not there, not such arrays, or no such split.
    """
    name = f"npz:{path}"
    file, hashed = _locate(path, split, name)
    images, labels, classes, ids = _read(file, name)
    where = np.arange(len(ids), dtype=np.int64)
    if hashed:
        where = members(ids, path.name, split, validation=0.1, test=0.0)
    return Examples(name, split, ids[where], labels[where], classes, ArrayPictures(images), where)


def _locate(path: Path, split: Split, name: str) -> tuple[Path, bool]:
    if path.is_file():
        if split != "test":
            msg = f"{name}: one file is a test set; training needs a folder with train.npz"
            raise DataError(msg)
        return path, False
    own = path / f"{split}.npz"
    if own.is_file() and split != "train":
        return own, False
    train = path / "train.npz"
    if split != "test" and train.is_file():
        return train, not (path / "validation.npz").is_file()
    msg = f"{name}: must be an .npz file or a folder with train.npz and test.npz; no {own.name}"
    raise DataError(msg)


def _read(
    file: Path, name: str
) -> tuple[NDArray[np.uint8], NDArray[np.int64], tuple[str, ...], NDArray[np.int64]]:
    found = _arrays(file, name)
    images, labels = _images(found, name), _labels(found, name)
    if len(images) != len(labels):
        msg = f"{name}: images and labels must be as many; got {len(images)} and {len(labels)}"
        raise DataError(msg)
    return images, labels, _classes(found, labels, name), _ids(found, len(labels), name)


def _arrays(file: Path, name: str) -> dict[str, NDArray[Any]]:
    try:
        with file.open("rb") as stream:  # np.load leaves a damaged file open
            arrays = np.load(stream, allow_pickle=False)
            if isinstance(arrays, np.ndarray):
                raise DataError(f"{name}: {file.name} must be an .npz; it is a single array")
            return {key: arrays[key] for key in arrays.files}
    except _DAMAGED as exc:  # NumPy would advise to unpickle what cannot be trusted
        why = getattr(exc, "strerror", None) or "it is something else, or damaged"
        raise DataError(f"{name}: {file.name} must be an .npz of plain arrays; {why}") from exc


def _classes(
    found: dict[str, NDArray[Any]], labels: NDArray[np.int64], name: str
) -> tuple[str, ...]:
    classes = found.get("classes", np.arange(labels.max() + 1))
    if classes.ndim != 1 or len(np.unique(classes)) != len(classes):
        raise DataError(f"{name}: 'classes' must be different names (k,); got {classes.shape}")
    if labels.max() >= len(classes):
        msg = f"{name}: labels must be below {len(classes)}, the number of classes; got "
        raise DataError(f"{msg}{labels.max()}")
    return tuple(c.decode() if isinstance(c, bytes) else str(c) for c in classes)


def _ids(found: dict[str, NDArray[Any]], n: int, name: str) -> NDArray[np.int64]:
    ids = found.get("ids", np.arange(n))
    if ids.dtype.kind not in "iu" or ids.shape != (n,) or len(np.unique(ids)) != n:
        msg = f"{name}: 'ids' must be {n} different integers; got {ids.dtype} {ids.shape}"
        raise DataError(msg)
    return ids.astype(np.int64)


def _images(found: dict[str, NDArray[Any]], name: str) -> NDArray[np.uint8]:
    images = found.get("images")
    if images is None or images.dtype != np.uint8 or images.ndim not in {3, 4}:
        got = "nothing" if images is None else f"{images.dtype} {images.shape}"
        msg = f"{name}: 'images' must be uint8 (n, height, width[, channels]); got {got}"
        raise DataError(msg)
    pictures: NDArray[np.uint8] = images[..., None] if images.ndim == 3 else images
    if pictures.shape[3] not in {1, 3} or not len(pictures):
        msg = f"{name}: 'images' must have 1 or 3 channels, last; got shape {images.shape}"
        raise DataError(msg)
    return pictures


def _labels(found: dict[str, NDArray[Any]], name: str) -> NDArray[np.int64]:
    labels = found.get("labels")
    good = labels is not None and labels.ndim == 1 and labels.dtype.kind in "iu"
    if labels is None or not good or (labels < 0).any():
        got = "nothing" if labels is None else f"{labels.dtype} {labels.shape}"
        raise DataError(f"{name}: 'labels' must be integers (n,) from 0; got {got}")
    return labels.astype(np.int64)
