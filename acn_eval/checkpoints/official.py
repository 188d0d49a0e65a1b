"""The authors' ``.pth.tar`` files: the user names the architecture, for AC and Res look alike."""

import re
from collections.abc import Mapping
from math import gcd, isqrt
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from acn_eval.checkpoints.card import Card
from acn_eval.checkpoints.layouts import OFFICIAL, Layout, Released, fitting, state_of
from acn_eval.checkpoints.native import Native, checked_state
from acn_eval.checkpoints.weight_files import read_pickle
from acn_eval.config_files import recorded
from acn_eval.data.open import KNOWN_MOMENTS
from acn_eval.errors import CheckpointError
from acn_eval.models import AnyArch

__all__ = ["read_official"]


def read_official(path: Path, arch: str) -> Native:
    """Read a released network: the sizes come from its tensors, the wiring from `arch`.

    Neither says how many heads a ViT has: the authors' 8, or as in ``official/ac-vit:heads=4``.

    Raises:
        CheckpointError: `arch` is no official one, or not what the file holds.
    """
    layout, stated = _released(path, arch)
    state = state_of(read_pickle(path))
    if state is None:
        raise CheckpointError(f"{path}: must be a dict with 'state_dict', as the authors save it")
    state = checked_state(state, path)
    _refuse_unknown(state, layout, path, arch)
    try:
        ours = _renamed(state, layout)
        sizes = _sizes(state, layout) | {"depth": _depth(ours)}
        card = _card(layout, {**stated, **sizes})
        if layout.identities:
            _drop_identities(ours, sizes)
    except ValueError as exc:
        msg = f"{path}: must have the keys and shapes of {arch}; {exc}"
        raise CheckpointError(msg, "arch") from exc
    return Native(card, ours, torch.empty(0, dtype=torch.int64), checked=False)


def _released(path: Path, arch: str) -> Released:
    found = re.fullmatch(r"([^:]+)(:heads=([1-9][0-9]{0,4}))?", arch)
    released = OFFICIAL.get(found[1]) if found else None
    if released and found and (found[2] is None or "heads" in released.stated):
        heads = {"heads": int(found[3])} if found[2] else {}
        return released._replace(stated={**released.stated, **heads})
    known = f"{', '.join(OFFICIAL)}; a ViT may state its heads, official/vit:heads=4"
    raise CheckpointError(f"{path}: `arch` must be one of {known}; got {arch}", "arch")


def _refuse_unknown(state: Mapping[str, Tensor], layout: Layout, path: Path, arch: str) -> None:
    unknown = [key for key in state if layout.renamed(key) is None]
    if not unknown:
        return
    if fits := " or ".join(fitting(state)):
        msg = f"{path}: `arch` must be {fits}, whose keys it has; got {arch}"
        raise CheckpointError(msg, "arch")
    raise CheckpointError(f"{path}: must have the keys of {arch} alone; got {unknown[0]!r:.100}")


def _renamed(state: Mapping[str, Tensor], layout: Layout) -> dict[str, Tensor]:
    ours = {name: value for key, value in state.items() if (name := layout.renamed(key))}
    if "embed.pos_embed" in ours:  # theirs have no axis of the batch
        ours["embed.pos_embed"] = ours["embed.pos_embed"][None]
    return ours


def _depth(ours: Mapping[str, Tensor]) -> int:
    return max((int(name.split(".")[1]) + 1 for name in ours if name[:7] == "blocks."), default=0)


def _sizes(state: Mapping[str, Tensor], layout: Layout) -> dict[str, int]:
    found = {}
    for field, (key, axis) in layout.sizes.items():
        if key not in state:
            raise ValueError(f"{key} is missing")
        if state[key].dim() <= axis:
            raise ValueError(f"{key} has the shape {tuple(state[key].shape)}")
        found[field] = state[key].shape[axis]
    side = isqrt(max(found.pop("tokens") - 1, 0))
    return {**found, "image_size": side * found["patch"]}


def _card(layout: Layout, fields: Mapping[str, Any]) -> Card:
    width, heads = fields["width"], fields.get("heads", 1)
    if width % heads:
        remedy = f"State them behind `arch`, as in :heads={gcd(width, heads)}."
        raise ValueError(f"{heads} heads do not divide its width {width}. {remedy}")
    arch: AnyArch = recorded(dict(fields), AnyArch)  # limits come before a list of classes
    mean, std = KNOWN_MOMENTS[layout.data]
    named = arch.classes == len(layout.classes)
    card = {
        "arch": arch.model_dump(),
        "data": layout.data,
        "classes": layout.classes if named else tuple(map(str, range(arch.classes))),
        "named": named,
        "mean": mean,
        "std": std,
        "crop_pct": layout.crop_pct,
    }
    described: Card = recorded(card, Card)
    return described


def _drop_identities(ours: dict[str, Tensor], sizes: Mapping[str, int]) -> None:
    """Remove the fixed weights: our network adds their paths without any."""
    width, hidden = sizes["width"], sizes["hidden"]
    for i in range(sizes["depth"]):
        for name, shape in (("d1", (hidden, width)), ("d2", (width, hidden))):
            own = ours.pop(f"blocks.{i}.mlp.{name}.weight", None)
            if own is None or own.shape != shape or not bool((own == torch.eye(*shape)).all()):
                raise ValueError(f"{name} of block {i} is not its fixed identity path {shape}")
