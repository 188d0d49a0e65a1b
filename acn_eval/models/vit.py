"""Vision transformer (Dosovitskiy et al., 2021), pre-norm, and the authors' two.

Residual wiring equals timm's ViT. The authors' are read from their earlier code, deleted since:
github.com/vdorovatas/Auto_Compressing_Networks, vit/ at commit 5f151afe0f20. Whether the
paper's ImageNet numbers come from it is not known.
"""

from functools import partial
from typing import Literal, Self

from pydantic import model_validator
from torch import Tensor, nn
from torch.nn.functional import pad

from acn_eval.models.attention import MLP, Attention, attended
from acn_eval.models.configs import ImageConfig, Size
from acn_eval.models.connectivity import Unit
from acn_eval.models.encoder import Block, Encoder
from acn_eval.models.images import PatchEmbed

__all__ = ["OfficialViT", "OfficialViTConfig", "ViT", "ViTConfig"]


class ViTConfig(ImageConfig, frozen=True):
    """A vision transformer; ViT-B/16 is depth 12, width 768, heads 12, hidden 3072, patch 16."""

    kind: Literal["vit"] = "vit"
    heads: Size = 4
    hidden: Size = 128

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.width % self.heads:
            raise ValueError("heads must divide width")
        return self


class OfficialViTConfig(ViTConfig, frozen=True):
    """The authors' ViT; their size is that of ViT-B/16 with 8 heads.

    All tokens are averaged, the class token included. The block of ``residual`` is the textbook's
    but for its attention; the others have the block of the AC-ViT, with a norm behind attention
    and fixed identity paths in the MLP.
    """

    kind: Literal["official_vit"] = "official_vit"  # type: ignore[assignment]
    connectivity: Literal["acn", "residual", "ffn", "acn_direct"] = "acn"
    heads: Size = 8
    pool: Literal["mean"] = "mean"

    @model_validator(mode="after")
    def _widens(self) -> Self:
        if self.identity_paths and self.hidden < self.width:
            raise ValueError("hidden must be at least width, for the identity paths")
        return self

    @property
    def identity_paths(self) -> bool:
        """Whether fixed paths lead around both layers of an MLP."""
        return self.connectivity != "residual"

    @property
    def class_token(self) -> bool:
        """Whether there is a class token; it is averaged with the others."""
        return True


class OfficialAttention(nn.Module):
    """Attention over tokens whose weights are scaled after the softmax instead of before."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.keys, self.queries, self.values, self.proj = (
            nn.Linear(width, width) for _ in range(4)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, tokens, width) of the same."""
        batch, tokens, width = x.shape
        q, k, v = (
            layer(x).view(batch, tokens, self.heads, -1).transpose(1, 2)
            for layer in (self.queries, self.keys, self.values)
        )
        mixed = attended(q, k, v, scale=1.0) * (width // self.heads) ** -0.5
        out: Tensor = self.proj(mixed.transpose(1, 2).reshape(batch, tokens, width))
        return out


class PaddedMLP(MLP):
    """a = GELU(W1 x + [x, 0]), then W2 a + the first entries of a: identity paths, not trained."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, tokens, width) of the same."""
        width, hidden = self.fc1.in_features, self.fc1.out_features
        a = self.act(self.fc1(x) + pad(x, (0, hidden - width)))
        out: Tensor = self.fc2(a) + a[..., :width]
        return out


class ViTBlock(Block):
    """Sub-layers attention(norm(x)) and mlp(norm(x))."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.width, eps=1e-6)
        self.attn = Attention(config.width, config.heads)
        self.norm2 = nn.LayerNorm(config.width, eps=1e-6)
        self.mlp = MLP(config.width, config.hidden)

    def sublayers(self, present: Tensor | None) -> tuple[Unit, Unit]:
        """Attention, then MLP, each behind its norm."""
        return (lambda x: self.attn(self.norm1(x)), lambda x: self.mlp(self.norm2(x)))


class OfficialViTBlock(Block):
    """Sub-layers attention(norm(x)) and mlp(norm(x)); see `OfficialViTConfig`."""

    def __init__(self, config: OfficialViTConfig) -> None:
        super().__init__()
        width, long = config.width, config.identity_paths
        self.norm1 = nn.LayerNorm(width)
        self.attn = OfficialAttention(width, config.heads)
        self.attn_norm = nn.LayerNorm(width) if long else nn.Identity()
        self.norm2 = nn.LayerNorm(width)
        self.mlp = (PaddedMLP if long else MLP)(width, config.hidden)

    def sublayers(self, present: Tensor | None) -> tuple[Unit, Unit]:
        """Attention, then MLP, each behind its norm."""
        return (
            lambda x: self.attn_norm(self.attn(self.norm1(x))),
            lambda x: self.mlp(self.norm2(x)),
        )


class ViT(Encoder):
    """The encoder over ViT blocks, with learned positions."""

    def __init__(self, config: ViTConfig) -> None:
        embed = PatchEmbed(config, positions=True)
        super().__init__(config, embed, partial(ViTBlock, config), eps=1e-6)


class OfficialViT(Encoder):
    """The encoder over the authors' ViT blocks, with learned positions."""

    start = "torch"

    def __init__(self, config: OfficialViTConfig) -> None:
        embed = PatchEmbed(config, positions=True)
        super().__init__(config, embed, partial(OfficialViTBlock, config), eps=1e-5)
