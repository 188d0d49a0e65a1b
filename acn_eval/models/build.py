"""From an architecture config to a network: one table."""

from collections.abc import Mapping
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import nn

from acn_eval.config_files import recorded
from acn_eval.errors import ConfigError
from acn_eval.models.bert import Bert, BertConfig
from acn_eval.models.connectivity import ConnectivityName
from acn_eval.models.encoder import Encoder
from acn_eval.models.mixer import Mixer, MixerConfig, OfficialMixer, OfficialMixerConfig
from acn_eval.models.vit import OfficialViT, OfficialViTConfig, ViT, ViTConfig

__all__ = ["AnyArch", "build", "initialize", "read_arch", "rewired"]

AnyArch = Annotated[
    ViTConfig | MixerConfig | OfficialMixerConfig | OfficialViTConfig | BertConfig,
    Field(discriminator="kind"),
]

_NETWORKS: dict[str, Any] = {
    "vit": ViT,
    "mixer": Mixer,
    "official_mixer": OfficialMixer,
    "official_vit": OfficialViT,
    "bert": Bert,
}
_MOST_PARAMETERS = 10**10
_TOKENS = ("cls_token", "pos_embed")


def read_arch(fields: Mapping[str, Any], where: str) -> AnyArch:
    """Validate the fields of an architecture.

    Raises:
        ConfigError: with `where`, the field and what it must be.
    """
    try:
        arch: AnyArch = recorded(dict(fields), AnyArch)
    except ValueError as exc:
        raise ConfigError(f"{where}: architecture field {exc}") from exc
    return arch


def rewired(arch: AnyArch, connectivity: ConnectivityName, **changed: Any) -> AnyArch:
    """Return the architecture with another connectivity, and what belongs to that: its twin.

    Grain and inner skips are those of the new connectivity; `changed` are other fields of the
    twin.

    Raises:
        ConfigError: the architecture has no such connectivity, or a field is wrong.
    """
    fields = arch.model_dump(exclude={"grain", "skips"})
    return read_arch({**fields, **changed, "connectivity": connectivity}, connectivity)


def build(config: AnyArch) -> Encoder:
    """Return the network of a config, its parameters not yet chosen (see `initialize`).

    Raises:
        ConfigError: it has more parameters than any machine should be asked for.
    """
    _check_size(config)
    with torch.random.fork_rng(devices=[]):  # torch's layers draw, and the draws are not wanted
        network: Encoder = _NETWORKS[config.kind](config)
    return network


def _check_size(config: AnyArch) -> None:
    """Count parameters from one block, before memory is taken for all."""
    few = config.model_copy(update={"depth": min(config.depth, 1), "branches": ()})
    with torch.device("meta"):
        small: Encoder = _NETWORKS[config.kind](few)
    block = sum(p.numel() for p in small.blocks.parameters())
    total = sum(p.numel() for p in small.parameters()) + block * max(config.depth - 1, 0)
    if total > _MOST_PARAMETERS:
        what = f"a network must have at most {_MOST_PARAMETERS:,} parameters; got {total:,}"
        raise ConfigError(f"architecture: {what}. Lower depth, width or hidden sizes.")


def initialize(network: Encoder, seed: int) -> Encoder:
    """Fill the parameters from a seed, alike for every connectivity; return the network.

    Norms start as 1 and 0. Else it is ``start`` of the network: with ``xavier``, weights of linear
    maps and convolutions are Xavier uniform, biases 0, tokens and positions normal with std .02;
    with ``torch``, weights and biases are uniform within 1 / sqrt(fan in), as PyTorch's layers
    start by themselves, tokens and positions normal with std 1: the authors' networks; with
    ``normal``, all weights are normal with std .02, biases 0: BERT.
    """
    _STARTS[network.start](network, torch.Generator().manual_seed(seed))
    reset = getattr(network.combine, "reset_parameters", None)
    if reset is not None:
        reset()
    return network


def _as_torch_does(network: Encoder, generator: torch.Generator) -> None:
    for name, parameter in network.named_parameters():
        if name.endswith(_TOKENS):
            nn.init.normal_(parameter, generator=generator)
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d):
            bound = module.weight[0].numel() ** -0.5
            for parameter in module.parameters():
                nn.init.uniform_(parameter, -bound, bound, generator=generator)
        elif isinstance(module, nn.LayerNorm):
            module.reset_parameters()


def _xavier(network: Encoder, generator: torch.Generator) -> None:
    for name, parameter in network.named_parameters():
        if name.endswith(_TOKENS):
            nn.init.normal_(parameter, std=0.02, generator=generator)
        elif name.endswith("bias"):
            nn.init.zeros_(parameter)
        elif parameter.dim() > 1:
            nn.init.xavier_uniform_(parameter.view(len(parameter), -1), generator=generator)
        else:
            nn.init.ones_(parameter)


def _normal(network: Encoder, generator: torch.Generator) -> None:
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        elif parameter.dim() > 1:
            nn.init.normal_(parameter, std=0.02, generator=generator)
        else:
            nn.init.ones_(parameter)


_STARTS = {"xavier": _xavier, "torch": _as_torch_does, "normal": _normal}
