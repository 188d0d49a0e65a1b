"""Our own files: ``.pt`` (read with weights_only) and ``.safetensors``, each with a card."""

import json
import pickle
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import safetensors
import safetensors.torch
import torch
from pydantic import ValidationError
from torch import Tensor

from acn_eval.checkpoints.card import Card
from acn_eval.errors import CheckpointError

__all__ = ["Native", "read_native", "read_pickle", "write_native"]

_CARD = "acn_eval_card"
_SEEN = "acn_eval_trained_on"


@dataclass(frozen=True)
class Native:
    """Content of one of our files.

    Attributes:
        card: what it says about itself.
        state: parameters by name.
        trained_on: int64 (n,), content hashes of the training images; empty if unknown.
    """

    card: Card
    state: dict[str, Tensor]
    trained_on: Tensor


def write_native(path: Path, native: Native) -> None:
    """Write a ``.pt`` or ``.safetensors`` file in one step: a killed write leaves the old file."""
    card = native.card.model_dump_json()
    part = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".safetensors":
        tensors = {k: v.contiguous() for k, v in native.state.items()}
        tensors[_SEEN] = native.trained_on
        safetensors.torch.save_file(tensors, part, metadata={_CARD: card})
    else:
        torch.save({_CARD: card, _SEEN: native.trained_on, "state": native.state}, part)
    part.replace(path)


def read_native(path: Path) -> Native:
    """Read one of our files; nothing in it is executed.

    Raises:
        CheckpointError: not readable, not trusted, or without a card.
    """
    card, state = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pt(path)
    trained_on = state.pop(_SEEN, torch.empty(0, dtype=torch.int64))
    try:
        return Native(Card.model_validate(json.loads(card)), state, trained_on)
    except (ValidationError, ValueError) as exc:
        first = str(exc).splitlines()[0]
        raise CheckpointError(f"{path}: its card must describe the network; {first}") from exc


def read_pickle(path: Path) -> object:
    """Read a file of torch.save with ``weights_only=True``.

    Raises:
        CheckpointError: truncated, not such a file, or one that would run code.
    """
    try:
        content: object = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as exc:
        if "Unsupported" in str(exc) or "GLOBAL" in str(exc):
            msg = (
                f"{path}: must hold tensors only; it would run code when loaded, so it is refused"
            )
        else:
            msg = f"{path}: must be a file of torch.save; it is damaged or something else"
        raise CheckpointError(msg) from exc
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, BadZipFile) as exc:
        first = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
        msg = (
            f"{path}: must be a complete file of torch.save; it is truncated or damaged ({first})"
        )
        raise CheckpointError(msg) from exc
    return content


def _read_pt(path: Path) -> tuple[str, dict[str, Tensor]]:
    content = read_pickle(path)
    if not isinstance(content, dict) or not {_CARD, "state"} <= content.keys():
        msg = (
            f"{path}: must hold a card of acn-eval. Name the architecture of a foreign file with "
            "--arch, e.g. --arch official/ac-mixer."
        )
        raise CheckpointError(msg)
    return str(content[_CARD]), {**content["state"], _SEEN: content[_SEEN]}


def _read_safetensors(path: Path) -> tuple[str, dict[str, Tensor]]:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            card = (file.metadata() or {}).get(_CARD)
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (OSError, safetensors.SafetensorError) as exc:
        raise CheckpointError(f"{path}: must be a safetensors file; {exc}") from exc
    if card is None:
        raise CheckpointError(f"{path}: its metadata must hold a card of acn-eval; it has none")
    return card, state
