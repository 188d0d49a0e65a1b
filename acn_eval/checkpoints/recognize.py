"""What a file or folder is that somebody calls a model; nothing in it is run."""

import os
import pickle
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeGuard

from torch import Tensor

from acn_eval.checkpoints.guess import Shapes
from acn_eval.checkpoints.hugging_face import WEIGHTS
from acn_eval.checkpoints.layouts import fitting, state_of
from acn_eval.checkpoints.library_card import read_card
from acn_eval.checkpoints.native import CARD, state_in
from acn_eval.checkpoints.weight_files import OLD_FORMAT, opened, read_pickle, read_safetensors
from acn_eval.config_files import cut, read_json, read_yaml
from acn_eval.errors import DAMAGED, CheckpointError, ConfigError

__all__ = ["Seen", "recognize"]

_DAMAGED: tuple[type[Exception], ...] = (*DAMAGED, zipfile.BadZipFile)
_START = 16  # bytes that tell the format
_CONVERT = "reading it may run code. If you trust it, acn-eval convert makes a checkpoint of it."
_SAVE = "it is code. Save its state in Python, torch.save(network.state_dict(), FILE)."
_NOTHING = "it is none of the files and folders that hold weights."


@dataclass(frozen=True)
class Seen:
    """What a file or folder is.

    Attributes:
        what: in words.
        uri: what `load` takes for it; "" where nothing reads it as it is.
        archs: of a file of the authors: what `arch` may be.
        tensors: without a card that says what they are of, by key.
        refused: why nothing reads it, and what makes it readable.
    """

    what: str
    uri: str = ""
    archs: tuple[str, ...] = ()
    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    refused: str = ""

    @property
    def shapes(self) -> Shapes:
        """Shape of every tensor by its key."""
        return {key: tuple(value.shape) for key, value in self.tensors.items()}


def recognize(path: Path) -> Seen:
    """Return what a file or folder is.

    Raises:
        CheckpointError: it is not there, cannot be read, or is damaged.
    """
    if os.path.isdir(path):
        return _folder(path)
    with opened(path) as stream:
        start = stream.read(_START)
    if card := read_card(path):
        return Seen(f"weights with a card beside them, {card.model}", str(path))
    if path.suffix == ".safetensors":
        return _safetensors(path)
    known = (look for magic, look in _STARTS.items() if start.startswith(magic))
    return next(known, _unknown)(path)


def _folder(path: Path) -> Seen:
    if (path / "MLmodel").is_file():
        return Seen(f"a model that MLflow saved ({_flavours(path)})", refused=_CONVERT)
    try:
        settings = read_json(path / "config.json")
    except (OSError, ValueError):
        return Seen("a folder without config.json or MLmodel", refused=_NOTHING)
    kind = settings.get("model_type") if isinstance(settings, dict) else None
    return Seen(f"a folder of Hugging Face, model_type {cut(kind)}", f"hf:{path}")


def _flavours(path: Path) -> str:
    try:
        said = read_yaml(path / "MLmodel", "a model of MLflow")
    except ConfigError:
        return "its MLmodel cannot be read"
    flavours = said.get("flavors") if isinstance(said, dict) else None
    return ", ".join(map(str, flavours)) if isinstance(flavours, dict) else "without a flavor"


def _safetensors(path: Path) -> Seen:
    metadata, state = read_safetensors(path)
    if CARD in metadata:
        return Seen("a checkpoint of acn-eval", str(path))
    if path.name == WEIGHTS and (path.parent / "config.json").is_file():
        return _folder(path.parent)
    return Seen("safetensors without a card", tensors=state)


def _archive(path: Path) -> Seen:
    try:
        with zipfile.ZipFile(path) as archive:
            inside = {name.partition("/")[2] for name in archive.namelist()}
    except _DAMAGED as exc:
        raise CheckpointError(f"{path}: must be a complete archive; {exc}") from exc
    if "archive_format" in inside or "models/model.json" in inside:
        return Seen("an export of torch.export (.pt2)", refused=_CONVERT)
    if "constants.pkl" in inside:
        return Seen("a TorchScript program", refused=_SAVE)
    if "data.pkl" not in inside:
        return Seen("an archive that torch did not write", refused=_NOTHING)
    return _saved(path)


def _saved(path: Path) -> Seen:
    """Return what a file of ``torch.save`` is."""
    try:
        content = read_pickle(path)
    except CheckpointError as exc:
        if not isinstance(exc.__cause__, pickle.UnpicklingError):
            raise
        return Seen("a pickle of a whole network or other objects", refused=str(exc))
    if isinstance(content, dict) and CARD in content:
        return Seen("a checkpoint of acn-eval", str(path))
    if archs := fitting(state_of(content)):
        return Seen("a file of the ACN authors", archs=tuple(archs))
    state = state_in(content)
    if not _is_state(state):
        return Seen(f"a file of torch.save with {_keys(content)}", refused=_NOTHING)
    return Seen("a state dict of PyTorch", tensors=state)


def _pickled(path: Path) -> Seen:
    return Seen("a pickle of Python objects", refused=_CONVERT)


def _unknown(path: Path) -> Seen:
    return Seen("an unknown file", refused=_NOTHING)


_STARTS: Mapping[bytes, Callable[[Path], Seen]] = {
    b"PK\x03\x04": _archive,
    OLD_FORMAT: _saved,
    b"\x80": _pickled,
}


def _is_state(value: object) -> TypeGuard[dict[str, Tensor]]:
    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(k, str) and isinstance(v, Tensor) for k, v in value.items())
    )


def _keys(content: object) -> str:
    if not isinstance(content, dict):
        return type(content).__name__
    return ", ".join(cut(key) for key in list(content)[:10])
