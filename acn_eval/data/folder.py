"""``folder:PATH``: an ImageFolder, one sub-folder per class; decoded when read."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from acn_eval.data.examples import Examples, content_hash
from acn_eval.data.geometry import Geometry
from acn_eval.data.splits import Split, members
from acn_eval.errors import DataError

__all__ = ["FilePictures", "open_folder"]

_SUFFIXES = {".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".webp"}


_DAMAGED = (
    Image.DecompressionBombError,
    LookupError,
    MemoryError,
    OSError,
    SyntaxError,  # Pillow's word for a broken PNG
    TypeError,
    ValueError,
    struct.error,
)


@dataclass(frozen=True)
class FilePictures:
    """Picture files; only those that are asked for are in memory."""

    files: Sequence[Path]

    def read(self, positions: NDArray[np.int64], geometry: Geometry) -> Tensor:
        """Return uint8 (n, channels, size, size)."""
        return geometry.stack(_decode(self.files[i]) for i in positions)

    def hashes(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return one 63-bit hash (n,) of each file's bytes."""
        return np.array([content_hash(self.files[i].read_bytes()) for i in positions], np.int64)

    def shape(self) -> tuple[int, int, int]:
        """Return (channels, height, width) of the first picture."""
        height, width, channels = _decode(self.files[0]).shape
        return channels, height, width


def open_folder(path: Path, split: Split) -> Examples:
    """Return a split of ``PATH/{train,val,validation,test}/<class>/*``.

    A ``val`` without ``test`` is the test split; validation is then 10 % of train by hash. A
    folder of classes without any of these is a test set, whole. Ids are hashes of the relative
    path, so that they survive files that come or go.

    Raises:
        DataError: no such folder, no pictures, or no such split.
    """
    name = f"folder:{path}"
    base, hashed = _locate(path, split, name)
    classes = sorted(d.name for d in base.iterdir() if d.is_dir() and not d.name.startswith("."))
    files = [f for c in classes for f in sorted((base / c).rglob("*")) if _is_picture(f)]
    if not files:
        msg = f"{name}: must hold pictures in one sub-folder per class; found none in {base}"
        raise DataError(msg)
    relative = [f.relative_to(base).as_posix() for f in files]
    ids = np.array([content_hash(r.encode()) for r in relative], np.int64)
    labels = np.array([classes.index(r.split("/")[0]) for r in relative], np.int64)
    where = np.arange(len(ids), dtype=np.int64)
    if hashed:
        where = members(ids, path.name, split, validation=0.1, test=0.0)
    pictures = FilePictures(files)
    return Examples(name, split, ids[where], labels[where], tuple(classes), pictures, where)


def _locate(path: Path, split: Split, name: str) -> tuple[Path, bool]:
    if not path.is_dir():
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


def _is_picture(file: Path) -> bool:
    hidden = file.name.startswith(".")  # e.g. ._a.jpg, which macOS leaves behind
    return not hidden and file.suffix.lower() in _SUFFIXES and file.is_file()


def _decode(file: Path) -> NDArray[np.uint8]:
    try:
        with Image.open(file) as image:
            opaque = image.convert("RGBA") if "transparency" in image.info else image
            return np.array(opaque.convert("RGB"))
    except _DAMAGED as exc:
        raise DataError(f"{file}: must be a picture; {exc}") from exc
