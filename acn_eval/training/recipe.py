"""The recipe of a training: one YAML, one frozen object."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    Field,
    model_validator,
)

from acn_eval.checkpoints.card import Beside
from acn_eval.config_files import Config, Seed, Text, WrittenWhereGiven, read_config
from acn_eval.models import AnyArch
from acn_eval.models.configs import ImageConfig
from acn_eval.statistics.architectures import PairedSeeds
from acn_eval.training.batches import Augment, Probability
from acn_eval.training.certificate import Certificate
from acn_eval.training.exit_loss import ExitLoss

__all__ = [
    "Batch",
    "ClassNames",
    "Clip",
    "Decay",
    "Looks",
    "Rate",
    "Recipe",
    "Steps",
    "VocabularyFile",
    "read_recipe",
]

ClassNames = Annotated[tuple[Text, ...], Field(max_length=10_000)]
Steps = Annotated[int, Field(gt=0, le=10_000_000)]
Batch = Annotated[int, Field(gt=0, le=65_536)]
Looks = Annotated[int, Field(gt=0, le=1000)]
Rate = Annotated[float, Field(gt=0, le=100)]
Decay = Annotated[float, Field(ge=0, le=100)]
Clip = Annotated[float, Field(gt=0, le=1e9)]


class VocabularyFile(Config, frozen=True):
    """Where the pieces of a network's vocabulary come from.

    Attributes:
        file: a ``vocab.txt`` of BERT, here or below the data root. None: the words of the data
            that `trimmed` names, and not of the few examples that may be learned from.
        lowercase: whether letters lose case and accents.
        trimmed: whether only the pieces stay that the train split uses, and single characters; or
            the name of other data whose train split counts, e.g. of a later fine-tuning.
    """

    file: Text | None = None
    lowercase: bool = True
    trimmed: bool | Text = True

    @model_validator(mode="after")
    def _has_words(self) -> Self:
        if self.file is None and not (self.lowercase and isinstance(self.trimmed, str)):
            raise ValueError("file must be given, or trimmed must name data in lower case")
        return self


class Recipe(Config, frozen=True):
    """Everything that decides the weights.

    Attributes:
        arch: the architecture config; its classes must be the number of classes below. A BERT with
            the head ``mlm`` learns to find masked tokens, and needs no classes; with one class it
            answers with a number, and learns by the squared error.
        seed: of initialization, order of examples and augmentation.
        data: name of the data; its train split is used, and validation for selection. For masked
            tokens also several, with `` + `` between their names.
        classes: train on these classes only; None takes all.
        steps: optimizer steps; the learning rate warms up linearly over `warmup` of them and
            follows a cosine to 0 at the last, per step.
        schedule: ``linear`` falls in a straight line instead.
        clip: largest gradient norm, applied after unscaling.
        precision: of the forward pass; ``bf16`` and ``fp16`` by autocast, fp16 with loss scaling.
        select: keep the last weights, or the best on validation (looked at `looks` times).
        weights: number format of the stored weights.
        vocabulary: of a network that reads text; without it and `start_from`, the words of the
            train split.
        start_from: checkpoint of a network that reads text, as the command line takes one: the
            weights below its head and its vocabulary are the start.
        exit_loss: which exits are trained; see `acn_eval.training.exit_loss.exit_weights`.
        paired_seeds: why seeds of this recipe and of its baseline's are analyzed as pairs; without
            it they are independent samples. It does not decide the weights.
        certificate: that bf16 was compared with fp32; it does not decide the weights either.
    """

    arch: AnyArch
    seed: Seed = 0
    data: Text = "digits"
    classes: ClassNames | None = None
    steps: Steps = 1000
    batch: Batch = 64
    learning_rate: Rate = 1e-3
    weight_decay: Decay = 0.01
    warmup: Annotated[int, Field(ge=0, le=10_000_000)] = 100
    label_smoothing: Probability = 0.1
    clip: Clip = 1.0
    augment: Augment = Augment()
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    select: Literal["last", "validation"] = "last"
    looks: Looks = 10
    weights: Literal["fp32", "bf16", "fp16"] = "fp32"
    pair: Beside | None = None
    schedule: WrittenWhereGiven[Literal["linear"]] = None
    vocabulary: WrittenWhereGiven[VocabularyFile] = None
    start_from: WrittenWhereGiven[Text] = None
    exit_loss: ExitLoss = "last"
    paired_seeds: PairedSeeds | None = None
    certificate: WrittenWhereGiven[Certificate] = None

    @model_validator(mode="after")
    def _exits_are_there(self) -> Self:
        named = self.exit_loss if isinstance(self.exit_loss, dict) else {}
        wrong = [k for k, weight in named.items() if not 0 <= k < self.arch.depth or weight < 0]
        if wrong:
            msg = f"exit_loss must weigh exits below {self.arch.depth}; got exit {wrong[0]}"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _fits_what_is_read(self) -> Self:
        if isinstance(self.arch, ImageConfig):
            if self.vocabulary or self.start_from:
                raise ValueError("vocabulary and start_from must be of a network that reads text")
        elif self.augment != Augment():
            raise ValueError("augment must be of a network that reads images; this one reads text")
        if self.arch.classes == 1 and self.label_smoothing:
            raise ValueError("label_smoothing must be 0 where the network answers with a number")
        if self.vocabulary and self.start_from:
            raise ValueError("vocabulary must not be given with start_from, which has its own")
        return self

    @property
    def masked(self) -> bool:
        """Whether masked tokens are to be found; otherwise examples have classes."""
        return self.arch.masked

    @property
    def looked_at(self) -> frozenset[int]:
        """Steps after which weights may be selected: every look, or the last step alone."""
        looks = self.looks if self.select == "validation" else 1
        return frozenset(round(self.steps * (i + 1) / looks) for i in range(looks))


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises:
        ConfigError: no such file, no YAML, or a field that must be something else.
    """
    recipe: Recipe = read_config(path, Recipe, "a recipe")
    return recipe
