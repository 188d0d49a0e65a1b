"""Files of ``torch.save``: looked over first, then read by torch with ``weights_only=True``."""

import io
import pickle
import stat
import struct
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from os import O_NONBLOCK, O_RDONLY, fdopen, fstat
from os import open as open_file
from pathlib import Path

import torch

from acn_eval.checkpoints.inert import look_over, stand_ins
from acn_eval.errors import CheckpointError

__all__ = ["opened", "read_pickle"]

_LARGEST_FILE = 16 * 2**30
_LARGEST_PICKLE = 2 * 2**20  # some 10,000 tensors
_MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # before torch 1.6, no zip
_DAMAGED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
)
"""What torch.load was seen to raise, or may raise, on a file with random damage."""


@contextmanager
def opened(path: Path) -> Iterator[io.BufferedReader]:
    """Open a regular file of bearable size; a pipe or a device would never end.

    Raises:
        CheckpointError: it is none.
    """
    try:
        stream = fdopen(open_file(path, O_RDONLY | O_NONBLOCK), "rb")
    except (OSError, ValueError) as exc:
        raise CheckpointError(f"{path}: must be a readable file; {exc}") from exc
    with stream:
        status = fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST_FILE:
            limit = f"{_LARGEST_FILE >> 30} GiB"
            raise CheckpointError(f"{path}: must be a regular file of at most {limit}")
        yield stream


def read_pickle(path: Path) -> object:
    """Read a file of torch.save; nothing in it is imported or run.

    What trainers leave beside the weights (optimizers, schedulers) comes back as inert objects.

    Raises:
        CheckpointError: truncated, not such a file, larger in memory than on disk, or one that
            would run code.
    """
    try:
        with opened(path) as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of what it then refuses
            _look_over(stream)
            stream.seek(0)
            with torch.serialization.safe_globals(stand_ins()):
                content: object = torch.load(stream, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as exc:
        raise CheckpointError(f"{path}: {_reason(str(exc))}") from exc
    except _DAMAGED as exc:
        first = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
        msg = (
            f"{path}: must be a complete file of torch.save; it is truncated or damaged ({first})"
        )
        raise CheckpointError(msg) from exc
    return content


def _reason(said: str) -> str:
    if said.startswith("Unsupported global "):
        name = said.removeprefix("Unsupported global ")
        return (
            f"must hold plain tensors only; it asks for {name}, which may run code when loaded, "
            "so it is refused"
        )
    return f"must be a file of torch.save; it is damaged or something else ({said[:80]})"


def _look_over(stream: io.BufferedReader) -> None:
    start = stream.read(len(_MAGIC))
    stream.seek(0)
    if start == _MAGIC:
        pickles = io.BytesIO(stream.read(_LARGEST_PICKLE))
        held, declared = fstat(stream.fileno()).st_size, look_over(pickles, 5)
        if sum(declared.stored.values()) > held:
            raise ValueError("it declares more than it holds")
    elif start.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(stream) as archive:
            _look_into(archive, fstat(stream.fileno()).st_size)
    else:
        raise ValueError("it is no archive of torch")


def _look_into(archive: zipfile.ZipFile, held: int) -> None:
    members = {info.filename: info for info in archive.infolist()}
    if len(members) < len(archive.infolist()) or any(i.compress_type for i in members.values()):
        raise ValueError("its members must be stored once and not be compressed")
    if sum(info.file_size for info in members.values()) > held:
        raise ValueError("it declares more than it holds")
    root = next(iter(members)).split("/")[0]
    if members[f"{root}/data.pkl"].file_size > _LARGEST_PICKLE:
        raise ValueError(f"its pickle must be at most {_LARGEST_PICKLE >> 20} MiB")
    if archive.testzip() is not None:  # torch does not check
        raise ValueError(f"{archive.testzip()} fails its checksum")
    declared = look_over(io.BytesIO(archive.read(f"{root}/data.pkl")))
    for key, size in declared.stored.items():
        if members[f"{root}/data/{key}"].file_size != size:
            raise ValueError(f"data/{key} is not of the size that it declares")
