"""Our own files: ``.pt`` (read with weights_only) and ``.safetensors``, each with a card."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from acn_eval.atomic import replacing
from acn_eval.checkpoints.card import Card
from acn_eval.checkpoints.layouts import fitting, state_of
from acn_eval.checkpoints.weight_files import read_pickle, read_safetensors
from acn_eval.config_files import parse_json, recorded
from acn_eval.errors import CheckpointError

__all__ = [
    "CARD",
    "Native",
    "checked_state",
    "digest",
    "read_native",
    "read_state",
    "state_in",
    "write_native",
]

CARD = "acn_eval_card"
"""Under this name a file of ours holds its card."""
_DIGEST = "acn_eval_digest"
_SEEN = "acn_eval_trained_on"
_STATE = "state"
_WITHIN = ("state_dict", "model_state_dict", "model")
_PARALLEL = "module."


@dataclass(frozen=True)
class Native:
    """Content of one of our files.

    Attributes:
        card: what it says about itself.
        state: parameters by name.
        training_hashes: int64 (n,), content hashes of the training images; empty if unknown.
        checked: whether its file held a digest, which was right; older files hold none.
    """

    card: Card
    state: dict[str, Tensor]
    training_hashes: Tensor
    checked: bool = True


def digest(state: Mapping[str, Tensor], words: str = "") -> str:
    """Return the sha256 over `words`, then name, dtype, shape and bytes in the order of the names.

    It identifies a network, and detects a flipped bit.
    """
    found = hashlib.sha256(words.encode(errors="surrogatepass"))
    for name, value in sorted(state.items()):
        said = f"\0{name}\0{value.dtype}\0{tuple(value.shape)}\0"
        found.update(said.encode(errors="surrogatepass"))
        found.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def write_native(path: Path, native: Native) -> None:
    """Write a ``.pt`` or ``.safetensors`` file in one step: a killed write leaves the old file.

    Raises:
        OSError: the place cannot be written.
    """
    card = native.card.model_dump_json()
    tensors = {**native.state, _SEEN: native.training_hashes}
    seal = digest(tensors, card)
    with replacing(path) as part:
        if path.suffix == ".safetensors":
            tensors[_DIGEST] = torch.tensor(list(bytes.fromhex(seal)), dtype=torch.uint8)
            tensors = {name: value.contiguous() for name, value in tensors.items()}
            metadata = {CARD: card}  # of several, the library does not keep the order
            part.write_bytes(safetensors.torch.save(tensors, metadata=metadata))
        else:
            content = {CARD: card, _DIGEST: seal, _SEEN: tensors[_SEEN], _STATE: native.state}
            with part.open("wb") as stream:  # of a path, torch reports no OSError
                torch.save(content, stream)


def read_native(path: Path) -> Native:
    """Read one of our files; nothing in it is executed.

    Raises:
        CheckpointError: not readable, not trusted, without a card, or not what was written.
    """
    words, state = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pt(path)
    card = words[CARD]
    if _DIGEST in words and words[_DIGEST] != digest(state, card):
        raise CheckpointError(f"{path}: must hold what was written; its digest differs")
    training_hashes = state.pop(_SEEN, torch.empty(0, dtype=torch.int64))
    if training_hashes.dtype != torch.int64 or training_hashes.dim() != 1:
        raise CheckpointError(f"{path}: {_SEEN} must be int64 (n,); got {training_hashes.dtype}")
    try:
        described: Card = recorded(parse_json(card.encode()), Card)
    except ValueError as exc:
        raise CheckpointError(f"{path}: its card must describe the network; {exc}") from exc
    return Native(described, state, training_hashes, _DIGEST in words)


def checked_state(state: object, path: Path) -> dict[str, Tensor]:
    """Return what was read if it is a state: dense real tensors by name.

    Raises:
        CheckpointError: it is something else.
    """
    if not isinstance(state, dict):
        raise CheckpointError(f"{path}: must hold parameters by name; got {type(state).__name__}")
    for key, value in state.items():
        dense = isinstance(value, Tensor) and value.layout == torch.strided and value.is_cpu
        if not isinstance(key, str) or not dense or value.is_complex() or value.is_quantized:
            raise CheckpointError(f"{path}: parameter {key!r:.200} must be a dense real tensor")
    return state


def read_state(path: Path) -> dict[str, Tensor]:
    """Read a state dict that some library saved: a file of torch.save, or safetensors.

    Raises:
        CheckpointError: there is no such file, it is not trusted or damaged, or holds no state.
    """
    if not os.path.isfile(path):  # False, where Path.is_file raises: a name that is too long
        raise CheckpointError(f"{path}: must be a weight file; there is none")
    if path.suffix == ".safetensors":
        return checked_state(read_safetensors(path)[1], path)
    return checked_state(state_in(read_pickle(path)), path)


def state_in(content: object) -> object:
    """Return the parameters in what a trainer saves, without the prefix of parallel training."""
    inner = content if isinstance(content, dict) else {}
    state = next((inner[name] for name in _WITHIN if isinstance(inner.get(name), dict)), content)
    if not isinstance(state, dict) or not all(str(key).startswith(_PARALLEL) for key in state):
        return state
    return {str(key).removeprefix(_PARALLEL): value for key, value in state.items()}


def _read_pt(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    content = read_pickle(path)
    if not isinstance(content, dict) or not {CARD, _STATE} <= content.keys():
        fits = " or ".join(fitting(state_of(content)))
        remedy = f"Its keys are those of {fits}: say" if fits else "For a file of the authors, say"
        msg = f"{path}: must hold a card of acn-eval. {remedy} which with `arch`."
        raise CheckpointError(msg, "arch")
    seen = {_SEEN: content.pop(_SEEN)} if _SEEN in content else {}
    state = checked_state(content.pop(_STATE), path) | checked_state(seen, path)
    return _words(content, path), state


def _read_safetensors(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    metadata, state = read_safetensors(path)
    if CARD not in metadata:
        raise CheckpointError(f"{path}: its metadata must hold a card of acn-eval; it has none")
    state = checked_state(state, path)
    seal = state.pop(_DIGEST, None)
    words = metadata if seal is None else {**metadata, _DIGEST: _hex(seal)}
    return _words(words, path), state


def _words(content: dict[Any, Any], path: Path) -> dict[str, str]:
    """Return the texts of a file; none but ours, for a digest by another name would be missed."""
    if content.keys() - {CARD, _DIGEST} or not all(isinstance(v, str) for v in content.values()):
        msg = f"{path}: must hold a card, a digest, weights and hashes, and nothing else"
        raise CheckpointError(msg)
    return content


def _hex(value: Tensor) -> str:
    return value.reshape(-1).view(torch.uint8).numpy().tobytes().hex()
