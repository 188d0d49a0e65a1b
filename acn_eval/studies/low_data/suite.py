"""The low-data suite: two networks learn from the same few images, in many draws of them."""

from os.path import isfile
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from acn_eval.config_files import Config, Text
from acn_eval.shipped import shipped
from acn_eval.statistics.architectures import PairedSeeds
from acn_eval.study.suite import Suite
from acn_eval.training.recipe import Batch, Rate, Recipe, Steps, read_recipe

__all__ = ["SUITE", "Draws", "LowData", "LowDataProbe", "Side"]

PerClass = Annotated[int, Field(gt=0, le=10_000_000)]
Fraction = Annotated[float, Field(gt=0, le=1)]


class Side(Config, frozen=True):
    """One of the two that are compared: a name for tables, and a recipe."""

    name: Text
    recipe: Recipe


def _side(value: Any) -> Any:
    """Read a side from the file of its recipe, here or among the shipped suites."""
    if not isinstance(value, str):
        return value
    here, there = Path(value), shipped("suites") / value
    path = here if isfile(here) or not isfile(there) else there
    return Side(name=path.stem, recipe=read_recipe(path))


AnySide = Annotated[Side, BeforeValidator(_side), WithJsonSchema({"type": ["string", "object"]})]


class Draws(Suite, frozen=True):
    """Nested subsets of a training split, several draws of them; the endpoint is the area.

    Both sides see the same subsets, and a draw of them is the unit of the analysis.

    Attributes:
        per_class: sizes, in images per class; or `fractions` of every class.
        draws: how many, numbered from `first_draw`: whatever is chosen is chosen on other draws.
        paired_seeds: why draws are analyzed as pairs, from other draws; None: as independent.
    """

    question: ClassVar[str] = "Who learns more from little data?"

    kind: Literal["low_data"] = "low_data"
    per_class: Annotated[tuple[PerClass, ...], Field(max_length=100)] = ()
    fractions: Annotated[tuple[Fraction, ...], Field(max_length=100)] = ()
    draws: Annotated[int, Field(ge=1, le=1000)] = 5
    first_draw: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    paired_seeds: PairedSeeds | None = None

    @model_validator(mode="after")
    def _sizes_are_one_kind_and_differ(self) -> Self:
        if bool(self.per_class) == bool(self.fractions):
            msg = "sizes must be given as per_class or as fractions, one of the two"
            raise ValueError(msg)
        if len(set(self.sizes)) < len(self.sizes):
            msg = f"sizes must differ; got {', '.join(map(str, self.sizes))}"
            raise ValueError(msg)
        return self

    @property
    def sizes(self) -> tuple[int | float, ...]:
        """Images per class, or fractions, smallest first."""
        return tuple(sorted(self.per_class or self.fractions))


class LowData(Draws, frozen=True):
    """Both networks are trained from their initialization, for the same number of steps.

    Attributes:
        candidate, baseline: recipes of both sides: YAML files here, or among the shipped suites.
            The suite replaces their seed, steps and selection.
        repeats: initializations per draw and size.
        steps: optimizer steps of every training, whatever its size.
        held_out: share of every class of a subset that is not learned from but selects the best
            weights, at the recipe's looks; it is rounded down. Where it is no image, the last
            weights are kept.
        training: ``together`` steps the networks of one draw as one, ``alone`` one after
            another: equal up to rounding. ``auto`` takes the faster one, by the work of a step.
    """

    checkpoints: ClassVar = "none"

    mode: Literal["scratch"] = "scratch"
    candidate: AnySide
    baseline: AnySide
    repeats: Annotated[int, Field(ge=1, le=1000)] = 2
    steps: Steps
    held_out: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    training: Literal["auto", "together", "alone"] = "auto"


class LowDataProbe(Draws, frozen=True):
    """Checkpoints on few images: frozen under a ridge probe, or fine-tuned as a whole.

    Nothing is chosen, so that no validation images are needed: the probe has one strength, and
    fine-tuning takes a stated number of steps whatever the size.

    Attributes:
        mode: ``probe`` or ``fine_tune``.
        protocol: of the probe; this one needs no validation images.
        repeats: heads (and orders of images) per draw and size of a fine-tuning.
        steps, batch, learning_rate: of a fine-tuning.
    """

    reads_head: ClassVar[bool] = False

    mode: Literal["probe", "fine_tune"]
    protocol: Literal["ridge-fewshot"] = "ridge-fewshot"
    repeats: Annotated[int, Field(ge=1, le=1000)] = 1
    steps: Steps = 100
    batch: Batch = 32
    learning_rate: Rate = 1e-3


SUITE = Annotated[LowData | LowDataProbe, Field(discriminator="mode")]
"""Both modes, chosen by ``mode``."""
