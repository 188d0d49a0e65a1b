"""The authors' ``.pth.tar`` files: the architecture must be named, for AC and Res look alike."""

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from acn_eval.checkpoints.card import Card
from acn_eval.checkpoints.native import Native, checked_state
from acn_eval.checkpoints.weight_files import read_pickle
from acn_eval.config_files import recorded
from acn_eval.data.open import KNOWN_MOMENTS
from acn_eval.errors import CheckpointError
from acn_eval.models import OfficialMixerConfig

__all__ = ["OFFICIAL", "read_official"]

OFFICIAL: dict[str, dict[str, Any]] = {
    "official/ac-mixer": {"connectivity": "acn", "skips": "none"},
    "official/res-mixer": {"connectivity": "ffn", "skips": "both"},
}
_RENAMES = (
    ("cls_token", "embed.cls_token"),
    ("patch_emb.0.", "embed.proj."),
    ("mixer_layers.", "blocks."),
    ("clf.", "head."),
    ("ln.", "norm."),
)
_CIFAR10 = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)


def read_official(path: Path, arch: str) -> Native:
    """Read a released Mixer; the sizes come from its tensors, the wiring from `arch`.

    Raises:
        CheckpointError: `arch` is not an official one, or the keys are not a Mixer's.
    """
    if arch not in OFFICIAL:
        msg = f"{path}: `arch` must be one of {', '.join(OFFICIAL)}; got {arch}"
        raise CheckpointError(msg, "arch")
    content = read_pickle(path)
    state = content.get("state_dict") if isinstance(content, dict) else None
    if not isinstance(state, dict):
        raise CheckpointError(f"{path}: must be a dict with 'state_dict', as the authors save it")
    state = checked_state(state, path)
    state = {_renamed(k.removeprefix("module.")): v for k, v in state.items()}
    try:
        card = _card(_config(state, OFFICIAL[arch]))
    except KeyError as exc:
        raise CheckpointError(f"{path}: must have the keys of a Mixer; {exc} is missing") from exc
    except (IndexError, TypeError, ValueError) as exc:
        raise CheckpointError(f"{path}: must have the shapes of a Mixer; {exc}") from exc
    unseen = torch.empty(0, dtype=torch.int64)
    return Native(card, state, unseen, checked=False)


def _card(config: OfficialMixerConfig) -> Card:
    mean, std = KNOWN_MOMENTS["cifar10"]
    return Card(
        arch=config,
        data="cifar10",
        classes=_CIFAR10 if config.classes == 10 else tuple(map(str, range(config.classes))),
        named=config.classes == 10,
        mean=mean,
        std=std,
    )


def _renamed(key: str) -> str:
    for old, new in _RENAMES:
        if key.startswith(old):
            return new + key[len(old) :]
    return key


def _config(state: dict[str, Tensor], wiring: dict[str, Any]) -> OfficialMixerConfig:
    width, channels, patch, _ = state["embed.proj.weight"].shape
    numbers = [int(m[1]) for k in state if (m := re.match(r"blocks\.(\d+)\.", k))]
    token_hidden, tokens, _ = state["blocks.0.mlp1.fc1.weight"].shape
    side = round((tokens - 1) ** 0.5)
    fields = {
        "depth": max(numbers) + 1,
        "width": width,
        "patch": patch,
        "image_size": side * patch,
        "channels": channels,
        "classes": state["head.weight"].shape[0],
        "token_hidden": token_hidden,
        "channel_hidden": state["blocks.0.mlp2.fc1.weight"].shape[0],
    }
    config: OfficialMixerConfig = recorded({**fields, **wiring}, OfficialMixerConfig)
    return config
