"""The embedding of images that ViT and Mixer share."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from acn_eval.models.configs import ImageConfig

__all__ = ["PatchEmbed"]


class PatchEmbed(nn.Module):
    """Images (batch, channels, size, size) to tokens (batch, tokens, width); class token first."""

    def __init__(self, config: "ImageConfig", *, positions: bool) -> None:
        super().__init__()
        self.proj = nn.Conv2d(config.channels, config.width, config.patch, config.patch)
        token = torch.zeros(1, 1, config.width)
        places = torch.zeros(1, config.tokens, config.width)
        self.cls_token = nn.Parameter(token) if config.class_token else None
        self.pos_embed = nn.Parameter(places) if positions else None

    def forward(self, images: Tensor) -> Tensor:
        """Patches to tokens."""
        x: Tensor = self.proj(images).flatten(2).transpose(1, 2)
        if self.cls_token is not None:
            x = torch.cat((self.cls_token.expand(len(x), -1, -1), x), dim=1)
        return x if self.pos_embed is None else x + self.pos_embed
