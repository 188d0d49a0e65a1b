"""Our own files: ``.pt`` (read with weights_only) and ``.safetensors``, each with a card."""

from dataclasses import dataclass
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from pydantic import ValidationError
from torch import Tensor

from acn_eval.checkpoints.card import Card
from acn_eval.checkpoints.pickles import read_pickle
from acn_eval.errors import CheckpointError

__all__ = ["Native", "checked_state", "read_native", "write_native"]

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
    """Write a ``.pt`` or ``.safetensors`` file in one step: a killed write leaves the old file.

    Raises:
        OSError: the place cannot be written.
    """
    card = native.card.model_dump_json()
    part = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".safetensors":
        tensors = {k: v.contiguous() for k, v in native.state.items()}
        tensors[_SEEN] = native.trained_on
        part.write_bytes(safetensors.torch.save(tensors, metadata={_CARD: card}))
    else:
        with part.open("wb") as stream:  # of a path, torch reports no OSError
            torch.save({_CARD: card, _SEEN: native.trained_on, "state": native.state}, stream)
    part.replace(path)


def read_native(path: Path) -> Native:
    """Read one of our files; nothing in it is executed.

    Raises:
        CheckpointError: not readable, not trusted, or without a card.
    """
    card, state = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pt(path)
    trained_on = state.pop(_SEEN, torch.empty(0, dtype=torch.int64))
    if trained_on.dtype != torch.int64 or trained_on.dim() != 1:
        raise CheckpointError(f"{path}: {_SEEN} must be int64 (n,); got {trained_on.dtype}")
    try:
        return Native(Card.model_validate_json(card), state, trained_on)
    except ValidationError as exc:
        first = exc.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "card"
        msg = f"{path}: its card must describe the network; {field}: {first['msg']}"
        raise CheckpointError(msg) from exc


def checked_state(state: object, path: Path) -> dict[str, Tensor]:
    """Return what was read if it is a state: dense real tensors by name.

    Raises:
        CheckpointError: it is something else.
    """
    if not isinstance(state, dict):
        raise CheckpointError(f"{path}: must hold parameters by name; got {type(state).__name__}")
    for key, value in state.items():
        dense = isinstance(value, Tensor) and value.layout == torch.strided
        if not isinstance(key, str) or not dense or value.is_complex() or value.is_quantized:
            raise CheckpointError(f"{path}: parameter {key!r} must be a dense real tensor")
    return state


def _read_pt(path: Path) -> tuple[str, dict[str, Tensor]]:
    content = read_pickle(path)
    if not isinstance(content, dict) or not {_CARD, "state"} <= content.keys():
        msg = (
            f"{path}: must hold a card of acn-eval. Name the architecture of a foreign file with "
            "--arch, e.g. --arch official/ac-mixer."
        )
        raise CheckpointError(msg)
    seen = {_SEEN: content[_SEEN]} if _SEEN in content else {}
    return str(content[_CARD]), checked_state(content["state"], path) | checked_state(seen, path)


def _read_safetensors(path: Path) -> tuple[str, dict[str, Tensor]]:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            card = (file.metadata() or {}).get(_CARD)
            state = {key: file.get_tensor(key).clone() for key in file.keys()}  # noqa: SIM118
    except (OSError, safetensors.SafetensorError) as exc:
        raise CheckpointError(f"{path}: must be a safetensors file; {exc}") from exc
    if card is None:
        raise CheckpointError(f"{path}: its metadata must hold a card of acn-eval; it has none")
    return card, checked_state(state, path)
