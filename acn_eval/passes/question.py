"""What one pass is asked: conditions, and how the classes of data and model correspond."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from acn_eval.corruptions import Corruption
from acn_eval.errors import DataError
from acn_eval.models import broken
from acn_eval.results import Scalar

__all__ = ["CLEAN", "ClassMap", "Decision", "Question", "class_map"]

CLEAN: Mapping[str, Scalar] = {"corruption": "clean", "level": 0.0}


@dataclass(frozen=True)
class Question:
    """One condition under which every image is shown.

    Attributes:
        condition: its record.
        corruption: None shows the undisturbed image.
        level: of the corruption.
        repeat: number of the noise draw.
        primary: whether it counts in the primary end point.
    """

    condition: Mapping[str, Scalar]
    corruption: Corruption | None = None
    level: float = 0.0
    repeat: int = 0
    primary: bool = False


class Decision(NamedTuple):
    """What a network made of n images.

    Attributes:
        predicted: class of the data (n,) int32, -1 for another, or for none.
        confidence: softmax of that class (n,); NaN where a logit is NaN or infinite, so that
            nothing was answered.
        entropy: of the softmax, in nats (n,).
    """

    predicted: Tensor
    confidence: Tensor
    entropy: Tensor


@dataclass(frozen=True)
class ClassMap:
    """Which logit of the model stands for which class of the data.

    Attributes:
        columns: logit index of each class of the data.
        restricted: predict among these only; otherwise another logit can win, and is wrong.
    """

    columns: tuple[int, ...]
    restricted: bool

    def decide(self, logits: Tensor) -> Decision:
        """Return what logits (n, classes of the model) say about the classes of the data."""
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
        return Decision(
            predicted.masked_fill(unanswered, -1),
            confidence.masked_fill(unanswered, math.nan),
            entropy,
        )


def class_map(
    model: Sequence[str],
    data: Sequence[str],
    *,
    names: Mapping[str, str] | None = None,
    restricted: bool = False,
) -> ClassMap:
    """Match classes by name; a model that only numbers its classes is matched by position.

    Args:
        model: names in the order of the logits.
        data: names of the classes of the data.
        names: data class to model class, where the names differ.
        restricted: predict among the classes of the data only.

    Raises:
        DataError: a class of the data is none of the model's, or two are the same one.
    """
    numbered = tuple(model) == tuple(str(i) for i in range(len(model)))
    if numbered and not names and len(model) == len(data):
        return ClassMap(tuple(range(len(data))), restricted)
    wanted = [(names or {}).get(name, name) for name in data]
    foreign = [name for name in wanted if name not in model]
    if foreign:
        shown = ", ".join(foreign[:5]) + (", ..." if len(foreign) > 5 else "")
        known = ", ".join(list(model)[:5]) + (", ..." if len(model) > 5 else "")
        msg = (
            f"classes of the data must be among the model's ({known}); got {shown}. "
            "Choose some with --classes, or map them with --class-map."
        )
        raise DataError(msg)
    if len(set(wanted)) < len(wanted):
        msg = f"classes of the data must be different classes of the model; got {wanted}"
        raise DataError(msg)
    return ClassMap(tuple(list(model).index(name) for name in wanted), restricted)
