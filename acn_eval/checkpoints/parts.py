"""Where libraries keep the parts of their networks: one table, by the name of the class.

Read from timm 1.0, torchvision 0.29 and transformers 5.23; no library is imported here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Parts", "Places", "parts_of", "places_of"]

_OnTokens = Callable[[Any, Tensor], Tensor]


@dataclass(frozen=True)
class Parts:
    """How a network is taken apart whose blocks share one stream of tokens.

    Each function is given the network, and images or tokens (batch, tokens, width).

    Attributes:
        blocks: the path of the blocks, which map tokens to tokens.
        embed: images to the tokens that the first block reads.
        pooled: tokens to (batch, width), before the final norm.
        features: tokens to (batch, width), what the head reads.
        logits: tokens to (batch, classes).
    """

    blocks: str
    embed: _OnTokens
    pooled: _OnTokens
    features: _OnTokens
    logits: _OnTokens


@dataclass(frozen=True)
class Places:
    """Where the features of a network without exits are read.

    Attributes:
        paths: of modules, from the first to the last.
        channels_last: of their outputs with four axes.
        widths: channels of the outputs by path, where the library states them.
    """

    paths: tuple[str, ...] = ()
    channels_last: bool = False
    widths: Mapping[str, int] = field(default_factory=dict)

    def pooled(self, path: str, output: Any) -> Tensor:
        """Return (batch, width): the mean over places of an image, or over tokens."""
        x: Tensor = output if isinstance(output, Tensor) else output[0]
        if x.dim() < 3:
            return x
        last = (
            x.dim() == 3 or self.channels_last or x.shape[1] != self.widths.get(path, x.shape[1])
        )
        return x.flatten(1, -2).mean(dim=1) if last else x.flatten(2).mean(dim=2)


def parts_of(network: nn.Module) -> Parts | None:
    """Return how a network is taken apart; None where its blocks share no stream."""
    return _PARTS.get(_name(network))


def places_of(network: nn.Module) -> Places:
    """Return the stages of a network that a library names; of others none."""
    if isinstance(stages := getattr(network, "feature_info", None), list):  # timm's
        widths = {str(stage["module"]): int(stage["num_chs"]) for stage in stages}
        return Places(tuple(widths), getattr(network, "output_fmt", "NCHW") == "NHWC", widths)
    return _PLACES.get(_name(network), Places())


def _name(network: nn.Module) -> str:
    return f"{type(network).__module__}.{type(network).__qualname__}"


def _timm_embed(network: Any, images: Tensor) -> Tensor:
    tokens = network.patch_drop(network._pos_embed(network.patch_embed(images)))
    embedded: Tensor = network.norm_pre(tokens)
    return embedded


def _torchvision_embed(network: Any, images: Tensor) -> Tensor:
    patches = network._process_input(images)
    tokens = torch.cat([network.class_token.expand(len(patches), -1, -1), patches], dim=1)
    embedded: Tensor = network.encoder.dropout(tokens + network.encoder.pos_embedding)
    return embedded


def _timm(pooled: _OnTokens) -> Parts:
    return Parts(
        blocks="blocks",
        embed=_timm_embed,
        pooled=pooled,
        features=lambda own, x: own.forward_head(own.norm(x), pre_logits=True),
        logits=lambda own, x: own.forward_head(own.norm(x)),
    )


def _transformers(base: str, pooled: _OnTokens, head: _OnTokens) -> Parts:
    return Parts(
        blocks=f"{base}.layers",
        embed=lambda own, images: getattr(own, base).embeddings(images),
        pooled=pooled,
        features=lambda own, x: pooled(own, getattr(own, base).layernorm(x)),
        logits=lambda own, x: head(own, getattr(own, base).layernorm(x)),
    )


def _first(network: Any, x: Tensor) -> Tensor:
    return x[:, 0]


def _distilled(network: Any, x: Tensor) -> Tensor:
    return (x[:, 0] + x[:, 1]) / 2


def _two_heads(network: Any, x: Tensor) -> Tensor:
    own, teacher = network.cls_classifier(x[:, 0]), network.distillation_classifier(x[:, 1])
    logits: Tensor = (own + teacher) / 2
    return logits


def _one_head(network: Any, x: Tensor) -> Tensor:
    logits: Tensor = network.classifier(x[:, 0])
    return logits


_DEIT = "transformers.models.deit.modeling_deit.DeiTForImageClassification"
_PARTS: Mapping[str, Parts] = {
    "timm.models.vision_transformer.VisionTransformer": _timm(lambda own, x: own.pool(x)),
    "timm.models.deit.VisionTransformerDistilled": _timm(_distilled),
    "torchvision.models.vision_transformer.VisionTransformer": Parts(
        blocks="encoder.layers",
        embed=_torchvision_embed,
        pooled=_first,
        features=lambda own, x: own.encoder.ln(x)[:, 0],
        logits=lambda own, x: own.heads(own.encoder.ln(x)[:, 0]),
    ),
    "transformers.models.vit.modeling_vit.ViTForImageClassification": _transformers(
        "vit", _first, _one_head
    ),
    _DEIT: _transformers("deit", _first, _one_head),
    f"{_DEIT}WithTeacher": _transformers("deit", _distilled, _two_heads),
}


def _numbered(path: str, numbers: range = range(4)) -> tuple[str, ...]:
    return tuple(f"{path}{i}" for i in numbers)


_OF_FOUR, _LAYERS = range(1, 5), _numbered("layer", range(1, 5))
_SWIN = Places(_numbered("features.", range(1, 8, 2)), channels_last=True)
_PLACES: Mapping[str, Places] = {
    "torchvision.models.resnet.ResNet": Places(_LAYERS),
    "torchvision.models.convnext.ConvNeXt": Places(_numbered("features.", range(1, 8, 2))),
    "torchvision.models.swin_transformer.SwinTransformer": _SWIN,
    "torchvision.models.regnet.RegNet": Places(_numbered("trunk_output.block", _OF_FOUR)),
    "torchvision.models.shufflenetv2.ShuffleNetV2": Places(_numbered("stage", range(2, 5))),
    "transformers.models.resnet.modeling_resnet.ResNetForImageClassification": Places(
        _numbered("resnet.encoder.stages.")
    ),
    "transformers.models.convnext.modeling_convnext.ConvNextForImageClassification": Places(
        _numbered("convnext.encoder.stages.")
    ),
    "transformers.models.swin.modeling_swin.SwinForImageClassification": Places(
        _numbered("swin.encoder.layers.")
    ),
}
