"""The two sub-layers of a transformer: attention, and the MLP."""

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

__all__ = ["MLP", "Attention", "attended"]


class Attention(nn.Module):
    """Multi-head self-attention over tokens, (batch, tokens, width) to the same.

    Of tokens that are padding, False in `present` (batch, tokens), nothing is read.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor, present: Tensor | None = None) -> Tensor:
        """Return (batch, tokens, width) of the same."""
        batch, tokens, width = x.shape
        qkv = self.qkv(x).view(batch, tokens, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        read = None if present is None else present[:, None, None, :]
        mixed = attended(q, k, v, read=read).transpose(1, 2)
        out: Tensor = self.proj(mixed.reshape(batch, tokens, width))
        return out


def attended(
    q: Tensor, k: Tensor, v: Tensor, *, scale: float | None = None, read: Tensor | None = None
) -> Tensor:
    """Return softmax(scale q k^T) v, scale 1 / sqrt(d); all are (batch, heads, tokens, d).

    Where `read`, bool and of a shape that spreads to (batch, heads, tokens, tokens), is False, the
    softmax leaves a pair of tokens out.

    Where a CPU trains in bf16 it is computed as plain products: the backward pass of the fused
    kernel takes six times as long in bf16 as in fp32 (torch 2.15, 65 tokens).
    """
    if q.dtype != torch.bfloat16 or not q.requires_grad or q.device.type != "cpu":
        return scaled_dot_product_attention(q, k, v, attn_mask=read, scale=scale)
    scores = (q * (scale or q.shape[-1] ** -0.5)) @ k.transpose(-2, -1)
    if read is not None:
        scores = scores.masked_fill(~read, -torch.inf)
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
        """Return (..., width) of the same."""
        out: Tensor = self.fc2(self.act(self.fc1(x)))
        return out
