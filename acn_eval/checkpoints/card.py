"""The card: what a checkpoint says about itself, stored inside the file."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, model_validator

from acn_eval.models import AnyArch

__all__ = ["Card", "Training"]

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Training(BaseModel, frozen=True, extra="forbid"):
    """How a checkpoint was made: enough to prove that two had equal budgets.

    Attributes:
        recipe: the whole validated recipe.
        seed: seed of initialisation, order and augmentation.
        data_order: name of the order of examples; equal names with equal seeds saw equal batches.
        steps, examples: optimiser steps, and images seen with repetition.
        seconds: wall time of the training.
        selected: ``last``, or ``validation`` with the step that was best on it.
        validation_accuracy: of the selected weights, on `validation_n` held-out images.
    """

    recipe: dict[str, Any]
    seed: int
    data_order: str
    steps: int
    examples: int
    seconds: float
    selected: str
    validation_accuracy: float
    validation_n: int


class Card(BaseModel, frozen=True, extra="forbid"):
    """What a checkpoint says about itself.

    Attributes:
        arch: the architecture config.
        data: name of the data set that it was trained on.
        data_fingerprint: of its training split.
        classes: names of the classes, in the order of the logits.
        mean, std: normalisation per channel, in units of [0, 1].
        pair: file of the twin that a comparison takes by default, relative to this file.
        training: how it was made, if known.
        origin: the file that it was made from, if it was cut or pruned, and how.
    """

    arch: AnyArch
    data: str
    data_fingerprint: str = ""
    classes: Annotated[tuple[str, ...], Field(min_length=2)]
    mean: tuple[Annotated[float, Field(allow_inf_nan=False)], ...]
    std: tuple[Positive, ...]
    pair: str | None = None
    training: Training | None = None
    origin: str = ""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if len(self.classes) != self.arch.classes or len(set(self.classes)) != len(self.classes):
            msg = f"classes must be {self.arch.classes} different names, one per logit"
            raise ValueError(msg)
        if not len(self.mean) == len(self.std) == self.arch.channels:
            msg = f"mean and std must be {self.arch.channels} numbers, one per channel"
            raise ValueError(msg)
        return self
