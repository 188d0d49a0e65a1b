"""How outputs vary over tokens and images at every exit: rank collapse, and unused blocks.

Attention without a skip around it averages tokens, so that after some blocks all tokens of an
image are the same, from initialization on. That is called rank collapse (Dong, Cordonnier and
Loukas, "Attention is not all you need: pure attention loses rank doubly exponentially with depth",
2021). A block whose output is the same for all images, although it was not at initialization, is
one that training left unused: that is what "Auto-Compressing Networks" calls compression.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from acn_eval.config_files import Record
from acn_eval.models import Boundary

__all__ = ["Spread", "spreads"]


@dataclass(frozen=True)
class Spread(Record):
    """How the tokens vary that one block passes on, and what its block adds to the readout.

    With x (images n, tokens t, width) the tokens that the next block reads, the shares are of the
    mean square of x: sums of squares are those of plain analysis of variance, not centered. Tokens
    that are padding are in no sum and no mean, and mean_n is over the examples that have token t.

    Attributes:
        tokens: mean of |x_nt - mean_t x_nt|^2 / mean of |x_nt|^2; 0 if all tokens of an image are
            equal, NaN if there is one token alone.
        images: mean of |x_nt - mean_n x_nt|^2 / mean of |x_nt|^2; 0 if all images are equal, NaN
            if there is one image alone.
        rank: effective rank of the pooled readout over images, centered: the exponential of the
            entropy of its normalized singular values (Roy and Vetterli, "The effective rank",
            2007); 0 if all images are equal, NaN if there is one image alone.
        norm: mean over images of the length of what the block adds to the pooled readout, relative
            to that of the last exit.
        cosine: mean over images of the cosine between what the block adds and the last readout.
    """

    tokens: float
    images: float
    rank: float
    norm: float
    cosine: float


@torch.no_grad()
def spreads(batches: Iterable[Iterable[Boundary]]) -> list[Spread]:
    """Return the spread at every exit 0 .. L, from the boundaries of every batch of images.

    Exit 0 adds the embedding. Sums are in double precision, so that a share of 1e-6 is one.
    """
    sums: list[_Sums] = []
    for batch in batches:
        readouts: list[Tensor] = []
        for k, boundary in enumerate(batch):  # one at a time: tokens are large
            if k == len(sums):
                sums.append(_Sums())
            sums[k].add_tokens(_exact(boundary.passed_on), boundary.present)
            readouts.append(_exact(boundary.pooled))
        before = [torch.zeros_like(readouts[0]), *readouts]
        for own, y, less in zip(sums, readouts, before, strict=False):
            own.add_readout(y, y - less, readouts[-1])
    return [own.spread() for own in sums]


def _exact(x: Tensor) -> Tensor:
    """Return it in double precision, on the CPU where the device has none."""
    return x.to("cpu" if x.device.type == "mps" else x.device).double()


class _Sums:
    """Running sums over batches, of one exit."""

    def __init__(self) -> None:
        self.n = 0
        self.square = self.within = self.norm = self.cosine = 0.0
        self.tokens = self.having = torch.zeros(0, 1)  # sums by position, and of how many
        self.readouts: list[Tensor] = []

    def add_tokens(self, x: Tensor, present: Tensor | None) -> None:
        there = torch.ones_like(x[..., :1]) if present is None else present[..., None].to(x)
        x = x * there
        mean = x.sum(dim=1, keepdim=True) / there.sum(dim=1, keepdim=True)
        self.n += len(x)
        self.square += float(x.square().sum())
        self.within += float(((x - mean) * there).square().sum())
        self.tokens = _added(self.tokens, x.sum(dim=0))
        self.having = _added(self.having, there.sum(dim=0))

    def add_readout(self, y: Tensor, added: Tensor, last: Tensor) -> None:
        lengths = added.norm(dim=1) / last.norm(dim=1).clamp_min(1e-300)
        self.norm += float(lengths.sum())
        self.cosine += float(torch.cosine_similarity(added, last, dim=1, eps=1e-300).sum())
        self.readouts.append(y)

    def spread(self) -> Spread:
        square, n, tokens = max(self.square, 1e-300), self.n, self.tokens
        between = float((tokens.square() * (n / self.having)).sum()) / n
        images = max(self.square - between, 0.0)  # in this order NaN stays
        return Spread(
            tokens=self.within / square if len(tokens) > 1 else math.nan,
            images=images / square if n > 1 else math.nan,
            rank=_effective_rank(torch.cat(self.readouts)),
            norm=self.norm / n,
            cosine=self.cosine / n,
        )


def _added(total: Tensor, part: Tensor) -> Tensor:
    """Add rows, the first to the first; those that one has not are zero there."""
    rows = max(len(total), len(part))
    longer = [pad(own.to(part), (0, 0, 0, rows - len(own))) for own in (total, part)]
    return longer[0] + longer[1]


def _effective_rank(readouts: Tensor) -> float:
    """Return the effective rank over images (n, width); NaN of one, or where not finite."""
    if len(readouts) < 2 or not bool(readouts.isfinite().all()):
        return math.nan
    singular = torch.linalg.svdvals(readouts - readouts.mean(dim=0))
    if float(singular.norm()) <= 1e-6 * float(readouts.norm()):
        return 0.0
    return float(torch.special.entr(singular / singular.sum()).sum().exp())
