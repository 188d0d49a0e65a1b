"""What one pass measures: conditions, and how the classes of data and model correspond."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from acn_eval.cells import Scalar
from acn_eval.corruptions.base import Corruption

__all__ = ["CLEAN", "ClassMap", "MatchedBy", "Predictions", "Question", "broken"]

CLEAN: Mapping[str, Scalar] = {"corruption": "clean", "level": 0.0}
MatchedBy = Literal["name", "map", "number", "position", "wordnet"]
"""How a class of the data was found among those of the model."""


@dataclass(frozen=True)
class Question:
    """One condition under which every example is shown.

    Attributes:
        condition: its record.
        corruption: None shows the clean example.
        level: of the corruption.
        repeat: number of the noise draw.
        primary: whether it counts in the primary endpoint.
    """

    condition: Mapping[str, Scalar]
    corruption: Corruption | None = None
    level: float = 0.0
    repeat: int = 0
    primary: bool = False


class Predictions(NamedTuple):
    """What a network made of n examples.

    Attributes:
        predicted: class of the data (n,) int32, -1 for another, or for none.
        confidence: softmax of that class (n,); NaN where a logit is NaN or infinite, so that
            nothing was answered.
        entropy: of the softmax, in nats (n,).
        nll: negative log-likelihood of the label, in nats (n,); NaN without labels.
        brier: squared distance of the softmax from the one-hot label, summed (n,); likewise.
    """

    predicted: Tensor
    confidence: Tensor
    entropy: Tensor
    nll: Tensor
    brier: Tensor


@dataclass(frozen=True)
class ClassMap:
    """Which logit of the model stands for which class of the data.

    Attributes:
        columns: logit index of each class of the data.
        restricted: predict among these only; otherwise another logit can win, and is wrong.
        matched: how the columns were found; it decides nothing.
    """

    columns: tuple[int, ...]
    restricted: bool
    matched: MatchedBy = "name"

    def decide(self, logits: Tensor, labels: Tensor | None = None) -> Predictions:
        """Return predictions from logits (n, classes of the model) and labels int64 (n,)."""
        logits = logits.float()
        unanswered = broken(logits)
        columns = torch.tensor(self.columns, device=logits.device)
        if self.restricted:
            logits = logits.index_select(1, columns)
        shares = logits.softmax(1)
        confidence, winner = shares.max(1)
        entropy = torch.special.entr(shares).sum(1)
        predicted = winner.to(torch.int32)
        if not self.restricted:
            back = torch.full((logits.shape[1],), -1, dtype=torch.int32, device=logits.device)
            back[columns] = torch.arange(len(columns), dtype=torch.int32, device=logits.device)
            predicted = back[winner]
        right = None if labels is None else labels if self.restricted else columns[labels]
        losses = _losses(logits, shares, right)
        return Predictions(
            predicted.masked_fill(unanswered, -1),
            confidence.masked_fill(unanswered, math.nan),
            entropy,
            *(loss.masked_fill(unanswered, math.nan) for loss in losses),
        )


def _losses(logits: Tensor, shares: Tensor, right: Tensor | None) -> tuple[Tensor, Tensor]:
    if right is None:
        unknown = torch.full_like(shares[:, 0], math.nan)
        return unknown, unknown
    truth = one_hot(right, shares.shape[1])
    return cross_entropy(logits, right, reduction="none"), (shares - truth).square().sum(1)


def broken(logits: Tensor) -> Tensor:
    """Return which examples of logits (n, classes) have one that is NaN or infinite: bool (n,)."""
    return ~torch.isfinite(logits).all(dim=1)
