"""Vision transformer (Dosovitskiy et al., 2021), pre-norm; residual wiring equals timm's ViT."""

from functools import partial
from typing import Literal, Self

import torch
from pydantic import model_validator
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from acn_eval.models.connectivity import Unit
from acn_eval.models.encoder import Block, Encoder, EncoderConfig, PatchEmbed, Size

__all__ = ["ViT", "ViTConfig"]


class ViTConfig(EncoderConfig, frozen=True):
    """A vision transformer; ViT-B/16 is depth 12, width 768, heads 12, hidden 3072, patch 16."""

    kind: Literal["vit"] = "vit"
    heads: Size = 4
    hidden: Size = 128

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.width % self.heads:
            raise ValueError("heads must divide width")
        return self


class Attention(nn.Module):
    """Multi-head self-attention over tokens, (batch, tokens, width) to the same."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, width = x.shape
        qkv = self.qkv(x).view(batch, tokens, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = _attended(q, k, v).transpose(1, 2)
        out: Tensor = self.proj(mixed.reshape(batch, tokens, width))
        return out


def _attended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Return softmax(q k^T / sqrt(d)) v; all are (batch, heads, tokens, d).

    Where a CPU trains in bf16 it is computed as plain products: the backward pass of the fused
    kernel takes six times as long in bf16 as in fp32 (torch 2.15, 65 tokens).
    """
    if q.dtype != torch.bfloat16 or not q.requires_grad or q.device.type != "cpu":
        return scaled_dot_product_attention(q, k, v)
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
    mixed: Tensor = scores.softmax(dim=-1).to(v.dtype) @ v
    return mixed


class MLP(nn.Module):
    """Linear, exact GELU, linear, over the last axis."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc2(self.act(self.fc1(x)))
        return out


class ViTBlock(Block):
    """Sub-layers attention(norm(x)) and mlp(norm(x))."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.width, eps=1e-6)
        self.attn = Attention(config.width, config.heads)
        self.norm2 = nn.LayerNorm(config.width, eps=1e-6)
        self.mlp = MLP(config.width, config.hidden)

    def sublayers(self) -> tuple[Unit, ...]:
        """Attention, then MLP, each behind its norm."""
        return (lambda x: self.attn(self.norm1(x)), lambda x: self.mlp(self.norm2(x)))


class ViT(Encoder):
    """The encoder over ViT blocks, with learned positions."""

    def __init__(self, config: ViTConfig) -> None:
        embed = PatchEmbed(config, positions=True)
        super().__init__(config, embed, partial(ViTBlock, config), eps=1e-6)
