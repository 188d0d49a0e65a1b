"""Weight files of anyone: limits come first, and nothing in a file is imported or run."""

import io
import pickle
import stat
import warnings
import zipfile
from collections.abc import Container, Iterator
from contextlib import contextmanager
from os import O_NONBLOCK, O_RDONLY, fdopen, fstat
from os import open as open_file
from pathlib import Path, PurePath
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from acn_eval.checkpoints.inert import look_over, stand_ins
from acn_eval.data.archive import require_few_members
from acn_eval.errors import DAMAGED, CheckpointError

__all__ = [
    "IF_TRUSTED",
    "OLD_FORMAT",
    "beside",
    "card_of",
    "opened",
    "read_pickle",
    "read_safetensors",
]

_CARD = ".card.yaml"
_CARRYING = (".safetensors", ".pt", ".pth")
IF_TRUSTED = "If you trust it: acn-eval convert `trust` SOURCE OUT.safetensors"
"""The remedy for what would run code; it names the argument `trust`."""
_DAMAGED: tuple[type[Exception], ...] = (*DAMAGED, zipfile.BadZipFile, SafetensorError)
_LARGEST_FILE = 16 * 2**30
_LARGEST_PICKLE = 2 * 2**20  # some 10,000 tensors
_LARGEST_HEADER = 4 * 2**20  # of safetensors: some 40,000 tensors
OLD_FORMAT = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
"""How a file of torch before 1.6 begins, which is no zip."""


def beside(weights: Path) -> Path:
    """Return where the card of a file of weights lies, whether or not there is one."""
    return weights.with_suffix(_CARD)


def card_of(weights: PurePath, held: Container[str]) -> str | None:
    """Return the path of the card of weights, if it is among the paths that are held.

    A card is of one file: of several of its name, of the first of safetensors, pt and pth.
    """
    named = (suffix for suffix in _CARRYING if str(weights.with_suffix(suffix)) in held)
    card = str(weights.with_suffix(_CARD))
    return card if weights.suffix == next(named, None) and card in held else None


@contextmanager
def opened(path: Path) -> Iterator[io.BufferedReader]:
    """Open a regular file of at most 16 GiB; a pipe or a device would never end.

    Raises:
        CheckpointError: the file is not readable, not regular, or larger.
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
    """Read a file of ``torch.save``; torch reads it with ``weights_only=True``.

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
        raise CheckpointError(f"{path}: {_reason(str(exc))}", "trust") from exc
    except _DAMAGED as exc:
        first = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
        msg = f"{path}: must be a complete file of torch.save; it is truncated or damaged"
        raise CheckpointError(f"{msg} ({first})") from exc
    return content


def read_safetensors(path: Path) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the metadata and the tensors by name.

    Raises:
        CheckpointError: no safetensors file, damaged, or with a header that is too large.
    """
    with opened(path) as stream:
        header = int.from_bytes(stream.read(8), "little")
    if header > _LARGEST_HEADER:
        limit = f"{_LARGEST_HEADER >> 20} MiB"
        raise CheckpointError(f"{path}: must be a safetensors file, its header at most {limit}")
    try:
        with safe_open(path, framework="pt") as file:
            state = {key: file.get_tensor(key).clone() for key in file.keys()}  # noqa: SIM118
            return file.metadata() or {}, state
    except _DAMAGED as exc:
        raise CheckpointError(f"{path}: must be a safetensors file; {exc}") from exc


def _reason(said: str) -> str:
    if said.startswith("Unsupported global "):
        name = said.removeprefix("Unsupported global ")
        return (
            f"must hold plain tensors only; it asks for {name}, which may run code when loaded, "
            f"so it is refused. {IF_TRUSTED}"
        )
    return f"must be a file of torch.save; it is damaged or something else ({said[:80]})"


def _look_over(stream: io.BufferedReader) -> None:
    start = stream.read(len(OLD_FORMAT))
    stream.seek(0)
    if start == OLD_FORMAT:
        pickles = io.BytesIO(stream.read(_LARGEST_PICKLE))
        held, declared = fstat(stream.fileno()).st_size, look_over(pickles, 5)
        if sum(declared.stored.values()) > held:
            raise ValueError("it declares more than it holds")
    elif start.startswith(b"PK\x03\x04"):
        require_few_members(stream)
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
