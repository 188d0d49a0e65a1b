"""BERT (Devlin et al., 2019): post-norm as published, or pre-norm; classes, or masked words.

Residual wiring with ``norm="post"`` equals Hugging Face's BERT: nothing is wired between its
blocks, each of which has both inner skips, h = LN(h + attention(h)) and LN(h + MLP(h)). How the
authors of "Auto-Compressing Networks" changed the norms of an AC-BERT is not published. Here are
both readings of a block that is wired without skips: ``post``, x_i = LN(MLP(LN(attention(x)))),
and ``pre``, x_i = MLP(LN(attention(LN(x)))); inner skips are added inside the outer norms.
"""

from functools import partial
from typing import Any, Literal, Self

from pydantic import (
    Field,
    model_validator,
)
from torch import Tensor, nn, zeros
from torch.nn.functional import linear

from acn_eval.errors import DataError
from acn_eval.models.attention import MLP, Attention
from acn_eval.models.configs import EncoderConfig, Size
from acn_eval.models.connectivity import Skips, Unit
from acn_eval.models.encoder import Block, Encoder, mean_over
from acn_eval.tokens import Tokens

__all__ = ["Bert", "BertConfig"]

_EPS = 1e-12  # of every norm
_PIECES = 30_522  # of the published vocabulary


class BertConfig(EncoderConfig, frozen=True):
    """A BERT; BERT-base is depth 12, width 768, heads 12, hidden 3072, positions 512.

    Attributes:
        classes: of the classifier; a masked language model has one for every piece.
        vocabulary: number of pieces.
        positions: the most tokens of an example.
        segments: sentences that are told apart.
        norm: behind every sub-layer and its skip (``post``), or before it (``pre``). ``residual``
            with ``post`` and no grain is another name for ``connectivity="ffn", skips="both"``.
        final_norm: whether there is a norm before the head; None: with ``pre`` alone.
        head: ``classifier`` reads the pooled tokens through a layer with tanh, ``mlm`` answers
            which piece every token is, by the transposed table of words.
    """

    classes: int = Field(2, gt=0, le=1_000_000)
    kind: Literal["bert"] = "bert"
    heads: Size = 4
    hidden: Size = 128
    vocabulary: int = Field(_PIECES, gt=0, le=2**18)
    positions: int = Field(128, gt=1, le=2**13)
    segments: int = Field(2, gt=0, le=16)
    norm: Literal["post", "pre"] = "post"
    final_norm: bool = False
    head: Literal["classifier", "mlm"] = "classifier"

    @model_validator(mode="before")
    @classmethod
    def _resolved(cls, fields: Any) -> Any:
        """Write out what follows from other fields, so that it is recorded."""
        if not isinstance(fields, dict):
            return fields
        post = fields.get("norm", "post") == "post"
        if fields.get("final_norm") is None:
            fields = {**fields, "final_norm": not post}
        if fields.get("head") == "mlm":
            fields = {"classes": fields.get("vocabulary", _PIECES), **fields}
        residual = fields.get("connectivity", "residual") == "residual"
        if not (post and residual and fields.get("grain") is None):
            return fields
        if fields.get("skips") not in (None, "both"):
            raise ValueError("skips must be both where a network with post-norm is residual")
        return {**fields, "connectivity": "ffn", "skips": "both"}

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.width % self.heads:
            raise ValueError("heads must divide width")
        if self.head == "mlm" and (self.branches or self.classes != self.vocabulary):
            msg = "a masked language model must have no branches, and a class for every piece"
            raise ValueError(msg)
        return self

    @property
    def masked(self) -> bool:
        """Whether it finds tokens that are hidden; otherwise examples have classes."""
        return self.head == "mlm"

    @property
    def tokens(self) -> int:
        """The most tokens of an example."""
        return self.positions

    @property
    def reads(self) -> dict[str, Any]:
        """Pieces and positions."""
        return {"pieces": self.vocabulary, "tokens": self.positions}

    def blank(self, n: int) -> Tokens:
        """Return n examples of the most tokens."""
        return Tokens.blank(n, self.positions)


class Embedding(nn.Module):
    """LN(word + segment + position), and noise: `Tokens` to (batch, tokens, width)."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.words = nn.Embedding(config.vocabulary, config.width)
        self.segments = nn.Embedding(config.segments, config.width)
        self.positions = nn.Embedding(config.positions, config.width)
        self.norm = nn.LayerNorm(config.width, eps=_EPS)

    def forward(self, inputs: Tokens) -> Tensor:
        """Embed every token.

        Raises:
            DataError: there are more tokens than positions.
        """
        tokens, most = inputs.ids.shape[1], len(self.positions.weight)
        if tokens > most:
            msg = f"tokens: an example must have at most {most}, the positions of the network"
            raise DataError(f"{msg}; got {tokens}. Cut it when it is prepared.")
        x = self.words(inputs.ids) + self.segments(inputs.segments)
        embedded: Tensor = self.norm(x + self.positions.weight[:tokens])
        return embedded if inputs.noise is None else inputs.noise(embedded)


class PreNormBlock(Block):
    """Sub-layers attention(norm(x)) and mlp(norm(x))."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.attn = Attention(config.width, config.heads)
        self.norm1 = nn.LayerNorm(config.width, eps=_EPS)
        self.mlp = MLP(config.width, config.hidden)
        self.norm2 = nn.LayerNorm(config.width, eps=_EPS)

    def sublayers(self, present: Tensor | None) -> tuple[Unit, Unit]:
        """Attention, then MLP, each behind its norm."""
        return (lambda x: self.attn(self.norm1(x), present), lambda x: self.mlp(self.norm2(x)))


class PostNormBlock(PreNormBlock):
    """Sub-layers norm(attention(x)) and norm(mlp(x)); inner skips are inside the norms."""

    def sublayers(self, present: Tensor | None) -> tuple[Unit, Unit]:
        """Attention, then MLP, each before its norm."""
        return (lambda x: self.norm1(self.attn(x, present)), lambda x: self.norm2(self.mlp(x)))

    def run(self, x: Tensor, skips: Skips, present: Tensor | None) -> Tensor:
        """Compose the sub-layers with these inner skips."""
        h = self.attn(x, present)
        x = self.norm1(x + h if skips in ("attention", "both") else h)
        h = self.mlp(x)
        out: Tensor = self.norm2(x + h if skips in ("mlp", "both") else h)
        return out


class Classifier(nn.Module):
    """Linear, tanh, linear: pooled (batch, width) to (batch, classes)."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.pooler = nn.Linear(width, width)
        self.out = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.out(self.pooler(x).tanh())
        return logits


class WordHead(nn.Module):
    """LN(GELU(linear)), and the bias of every piece; the decoder is the table of words."""

    def __init__(self, width: int, pieces: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, width)
        self.act = nn.GELU()
        self.norm = nn.LayerNorm(width, eps=_EPS)
        self.bias = nn.Parameter(zeros(pieces))

    def forward(self, x: Tensor, words: Tensor) -> Tensor:
        """Map (..., width) to (..., pieces); `words` is (pieces, width)."""
        return linear(self.norm(self.act(self.dense(x))), words, self.bias)


class Bert(Encoder):
    """The encoder over BERT blocks, which reads `Tokens`.

    A masked language model has logits (batch, tokens, pieces) or, where tokens are asked, of these
    alone, (asked, pieces) in their order.
    """

    start = "normal"
    config: BertConfig
    embed: Embedding

    def __init__(self, config: BertConfig) -> None:
        block = PostNormBlock if config.norm == "post" else PreNormBlock
        super().__init__(config, Embedding(config), partial(block, config), _EPS)

    def present(self, inputs: Tokens) -> Tensor:
        """Return which tokens are no padding."""
        return inputs.mask

    def classify(self, stream: Tensor, inputs: Tokens, exit: int | None = None) -> Tensor:
        """Map (batch, tokens, width) to logits, see `Bert`."""
        if self.config.head == "classifier":
            return super().classify(stream, inputs, exit)
        asked = stream if inputs.asked is None else stream[inputs.asked]
        logits: Tensor = self.head(self.norm(asked), self.embed.words.weight)
        return logits

    def _pooled(self, stream: Tensor, inputs: Tokens) -> Tensor:
        """Of a masked language model, the mean over the tokens that are asked, which it reads."""
        if inputs.asked is None:
            return super()._pooled(stream, inputs)
        return mean_over(stream, inputs.asked)

    def _ends(self, eps: float) -> tuple[nn.Module, nn.Module]:
        c = self.config
        norm = nn.LayerNorm(c.width, eps=eps) if c.final_norm else nn.Identity()
        if c.head == "mlm":
            return norm, WordHead(c.width, c.vocabulary)
        return norm, Classifier(c.width, c.classes)
