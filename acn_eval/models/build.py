"""From an architecture config to a network: one table."""

from collections.abc import Mapping
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import nn

from acn_eval.config_files import recorded
from acn_eval.errors import ConfigError
from acn_eval.models.connectivity import ConnectivityName
from acn_eval.models.encoder import Encoder
from acn_eval.models.mixer import Mixer, MixerConfig, OfficialMixer, OfficialMixerConfig
from acn_eval.models.vit import ViT, ViTConfig

__all__ = ["AnyArch", "build", "initialize", "read_arch", "rewired"]

AnyArch = Annotated[ViTConfig | MixerConfig | OfficialMixerConfig, Field(discriminator="kind")]

_NETWORKS: dict[str, Any] = {"vit": ViT, "mixer": Mixer, "official_mixer": OfficialMixer}


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

    The grain, and the inner skips of the official block, are those of the new connectivity;
    `changed` are other fields of the twin.

    Raises:
        ConfigError: the architecture has no such connectivity, or a field is wrong.
    """
    fields = arch.model_dump(exclude={"grain", "skips"})
    return read_arch({**fields, **changed, "connectivity": connectivity}, connectivity)


def build(config: AnyArch) -> Encoder:
    """Return the network of a config, its parameters not yet chosen (see `initialize`)."""
    with torch.random.fork_rng(devices=[]):  # torch's layers draw, and the draws are not wanted
        network: Encoder = _NETWORKS[config.kind](config)
    return network


def initialize(network: Encoder, seed: int) -> Encoder:
    """Fill the parameters from a seed, alike for every connectivity; return the network.

    Weights of linear maps and convolutions are Xavier uniform, biases 0, norms 1 and 0, tokens
    and positions normal with std .02.
    """
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in network.named_parameters():
        if name.endswith(("cls_token", "pos_embed")):
            nn.init.normal_(parameter, std=0.02, generator=generator)
        elif name.endswith("bias"):
            nn.init.zeros_(parameter)
        elif parameter.dim() > 1:
            nn.init.xavier_uniform_(parameter.view(len(parameter), -1), generator=generator)
        else:
            nn.init.ones_(parameter)
    reset = getattr(network.combine, "reset_parameters", None)
    if reset is not None:
        reset()
    return network
