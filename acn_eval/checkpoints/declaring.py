"""From a network in memory to the card that declares it."""

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

import torch
from torch import Tensor, nn

from acn_eval.checkpoints.card import Card
from acn_eval.checkpoints.checkpoint import counted
from acn_eval.checkpoints.library_card import LibraryCard
from acn_eval.checkpoints.native import Native
from acn_eval.config_files import recorded
from acn_eval.errors import CheckpointError, ConfigError
from acn_eval.models import Encoder

__all__ = ["declared", "of_ours"]

_KINDS = {dict: "a state dict", torch.fx.GraphModule: "an exported graph"}
_TIMM = {  # where a network of timm keeps what it was made with
    "img_size": "patch_embed.img_size",
    "patch_size": "patch_embed.patch_size",
    "in_chans": "patch_embed.proj.in_channels",
    "embed_dim": "embed_dim",
    "depth": "blocks",
    "num_heads": "blocks.0.attn.num_heads",
}


def of_ours(network: Encoder, fields: Mapping[str, Any]) -> Native:
    """Return the content of a file of a network of ours, with these fields of its card.

    Raises:
        ConfigError: mean and std are not among them.
        CheckpointError: they do not fit, or the network reads no images.
    """
    if not fields.get("mean") or not fields.get("std"):
        msg = "`mean`, `std`: must be given, one number per channel; the network holds none"
        raise ConfigError(msg, "mean", "std")
    arch, classes = network.config, tuple(fields.get("classes") or ())
    stated = {name: fields[name] for name in ("mean", "std", "data", "origin") if name in fields}
    card = {
        "data": "",
        **stated,
        "arch": arch.model_dump(),
        "classes": classes or counted(arch.classes),
        "named": bool(classes),
    }
    try:
        described: Card = recorded(card, Card)
    except ValueError as exc:
        raise CheckpointError(f"{fields['origin']}: must read images; {exc}") from exc
    return Native(described, network.state_dict(), torch.empty(0, dtype=torch.int64))


def declared(found: nn.Module | dict[str, Tensor], fields: Mapping[str, Any]) -> LibraryCard:
    """Return the card of a network of a library, or of its state, with these fields.

    Raises:
        CheckpointError: neither the network nor the fields say which it is.
        ConfigError: they are no card.
    """
    said = {**_named(found), **fields}
    if "model" not in said:
        kinds = [kind for type_, kind in _KINDS.items() if isinstance(found, type_)]
        kind = kinds[0] if kinds else type(found).__qualname__
        what = f"must be a network of a library, which `model` names; got {kind}"
        remedy = "A class of your own is measured by module:FILE.py:FUNCTION@WEIGHTS."
        raise CheckpointError(f"{fields['origin']}: {what}. {remedy}", "model")
    try:
        card: LibraryCard = recorded(said, LibraryCard)
    except ValueError as exc:
        raise ConfigError(f"{fields['origin']}: {exc}") from exc
    return card


def _named(found: nn.Module | dict[str, Tensor]) -> dict[str, Any]:
    """Return the model and arguments that a network of timm knows about itself."""
    config = getattr(found, "pretrained_cfg", None)
    if not type(found).__module__.startswith("timm.") or not isinstance(config, dict):
        return {}
    arguments = {name: _number(found, path) for name, path in _TIMM.items()}
    cut = hasattr(found, "patch_embed")  # others have sizes of other shapes by these names
    known = {name: value for name, value in arguments.items() if value and cut}
    return {"model": f"timm:{config['architecture']}", "arguments": known}


def _number(network: Any, path: str) -> int | None:
    """Return a size: a number, the first of several, or how many blocks there are."""
    try:
        value = attrgetter(path)(network)
    except AttributeError:
        return None
    if isinstance(value, nn.Sequential | nn.ModuleList):
        return len(value)
    first = value[0] if isinstance(value, tuple | list) else value
    return first if isinstance(first, int) else None
