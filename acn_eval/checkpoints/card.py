"""The card: what a checkpoint says about itself, stored inside the file."""

from typing import Annotated, Any, Self

from pydantic import (
    Field,
    model_validator,
)

from acn_eval.config_files import Config, Natural, Seed, Text, WrittenWhereGiven
from acn_eval.models.build import AnyArch

__all__ = ["Card", "NumericFacts", "Training"]

_MOST_TOKENS = 2**15
Mean = Annotated[float, Field(ge=-1000, le=1000)]
Std = Annotated[float, Field(ge=1e-6, le=1000)]

NumericFacts = Annotated[dict[Text, Natural | Text], Field(max_length=100)]


class Training(Config, frozen=True):
    """How a checkpoint was made: enough to prove that two had equal budgets.

    Attributes:
        recipe: the whole validated recipe.
        seed: seed of initialization, order and augmentation.
        data_order: name of the order of examples; equal names with equal seeds saw equal batches.
        steps, examples: optimizer steps, and images seen with repetition.
        seconds: wall time of the training.
        selected: ``last``, or ``validation`` with the step that was best on it.
        validation_accuracy: of the selected weights, on `validation_n` held-out images.
        numeric_profile: how its steps were rounded, see `acn_eval.inference.profile`; None in
            older files.
    """

    recipe: dict[str, Any]
    seed: Seed
    data_order: Text
    steps: Natural
    examples: Natural
    seconds: Annotated[float, Field(ge=0, le=1e12)]
    selected: Text
    validation_accuracy: Annotated[float, Field(ge=0, le=1)]
    validation_n: Natural
    numeric_profile: NumericFacts | None = None


class Card(Config, frozen=True):
    """What a checkpoint says about itself.

    Attributes:
        arch: the architecture config.
        data: name of the data set that it was trained on.
        data_fingerprint: of its training split.
        classes: names of the classes, in the order of the logits.
        named: whether they are names; otherwise they are "0", "1", ...
        mean, std: normalization per channel, in units of [0, 1].
        crop_pct: share that the center crop keeps of an image that Pillow resized, as foreign
            networks are shown them; None: all of it, resized by torch.
        pair: file of the twin that a comparison takes by default, relative to this file.
        training: how it was made, if known.
        origin: the file that it was made from, if it was cut or pruned, and how.
    """

    arch: AnyArch
    data: Text
    data_fingerprint: Text = ""
    classes: Annotated[tuple[Text, ...], Field(min_length=2)]
    named: bool = True
    mean: tuple[Mean, ...]
    std: tuple[Std, ...]
    crop_pct: WrittenWhereGiven[Annotated[float, Field(ge=0.1, le=1)]] = None
    pair: Text | None = None
    training: Training | None = None
    origin: Text = ""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if len(self.classes) != self.arch.classes or len(set(self.classes)) != len(self.classes):
            msg = f"classes must be {self.arch.classes} different names, one per logit"
            raise ValueError(msg)
        if not len(self.mean) == len(self.std) == self.arch.channels:
            msg = f"mean and std must be {self.arch.channels} numbers, one per channel"
            raise ValueError(msg)
        if self.arch.tokens > _MOST_TOKENS:
            raise ValueError(f"a network must read at most {_MOST_TOKENS:,} tokens")
        return self
