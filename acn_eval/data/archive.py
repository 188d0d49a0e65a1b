"""Arrays of an ``.npz``: what they declare is read and can be judged before memory is taken."""

import math
import os
import tokenize
import warnings
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from acn_eval.errors import DAMAGED, DataError

__all__ = ["Archive", "Declared", "open_archive", "require_few_members"]

_DAMAGED: tuple[type[Exception], ...] = (*DAMAGED, BadZipFile, tokenize.TokenError, zlib.error)
_LONGEST_LIST = 2**20  # bytes of the list of members: some ten thousand
_END, _LOCATOR = b"PK\5\6", b"PK\6\7"  # the records at the end of a zip, and of a large one
_END_SIZE = 22 + 2**16


class Declared(NamedTuple):
    """What an array says about itself before it is read."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def nbytes(self) -> int:
        """Bytes that it takes in memory."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __str__(self) -> str:
        """Return e.g. ``uint8 (20, 8, 8)``."""
        return f"{self.dtype} {self.shape}"


@dataclass(frozen=True)
class Archive:
    """An open ``.npz``.

    Attributes:
        declared: by name, of the arrays that were asked for and are there.
        size: bytes that the file takes on the disk.
    """

    declared: Mapping[str, Declared]
    size: int
    _zip: ZipFile

    def read(self, name: str) -> NDArray[Any]:
        """Return an array; it is as large as it declares."""
        with self._zip.open(f"{name}.npy") as stream:
            array: NDArray[Any] = npy.read_array(stream, allow_pickle=False)
        return array


@contextmanager
def open_archive(file: Path, names: tuple[str, ...], where: str) -> Iterator[Archive]:
    """Open an ``.npz`` and read the headers of the arrays of these names; no other is touched.

    Raises:
        DataError: not an .npz of plain arrays, or damaged, now or while it is read.
    """
    try:
        with file.open("rb") as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that Python 2 wrote, which are read
            if stream.read(6) == npy.MAGIC_PREFIX:
                raise DataError(f"{where}: {file.name} must be an .npz; it is a single array")
            require_few_members(stream)
            with ZipFile(stream) as archive:
                have = set(archive.namelist())
                asked = [name for name in names if f"{name}.npy" in have]
                declared = {name: _declared(archive, f"{name}.npy") for name in asked}
                yield Archive(declared, _held(stream), archive)
    except _DAMAGED as exc:
        # NumPy's own message would advise to unpickle what cannot be trusted.
        why = getattr(exc, "strerror", None) or "it is something else, or damaged"
        raise DataError(f"{where}: {file.name} must be an .npz of plain arrays; {why}") from exc


def require_few_members(stream: IO[bytes]) -> None:
    """Refuse a long list of members before zipfile makes an object of each.

    Raises:
        BadZipFile: the list takes more than a mebibyte.
    """
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - _END_SIZE))
    tail = stream.read()
    at = tail.rfind(_END)
    listed = tail[at + 12 : at + 16]
    if tail[max(0, at - 20) : at].startswith(_LOCATOR):
        listed = tail[max(0, at - 36) : at - 28]
    if int.from_bytes(listed, "little") > _LONGEST_LIST:
        raise BadZipFile


def _held(stream: IO[bytes]) -> int:
    """Return the bytes on the disk: a file with holes is smaller than it says."""
    status = os.fstat(stream.fileno())
    return min(status.st_size, status.st_blocks * 512 or status.st_size)


def _declared(archive: ZipFile, member: str) -> Declared:
    if archive.getinfo(member).compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
        raise BadZipFile  # what NumPy never writes, and LZMA takes gigabytes for its dictionary
    with archive.open(member) as stream:
        version = npy.read_magic(stream)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(stream)
    if dtype.hasobject or any(length < 0 for length in shape):
        raise ValueError
    return Declared(shape, dtype)
