"""The plan of a low-data suite: its data, subsets and trainings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from acn_eval.data import Examples, decoded
from acn_eval.errors import ConfigError
from acn_eval.studies.low_data.draws import Subset, Subsets, sample_subsets
from acn_eval.studies.low_data.suite import LowData, Side
from acn_eval.study.trainings import TrainingPlan
from acn_eval.training.recipe import Recipe
from acn_eval.training.sources import open_split
from acn_eval.training.together import TrainingJob, stackable, stacking_pays

__all__ = ["LowDataPlan", "RecipeSide", "Stack", "Training", "weights_decided_by"]


@dataclass(frozen=True)
class RecipeSide:
    """One side of the plan: its recipe has the steps of the suite.

    Attributes:
        together: whether the networks of a draw are stepped as one.
    """

    name: str
    recipe: Recipe
    together: bool = False


@dataclass(frozen=True)
class Training:
    """One training of the plan: a subset, and the number of an initialization."""

    subset: Subset
    repeat: int
    job: TrainingJob


Stack = Sequence[Training]
"""Trainings that are stepped as one, and kept as one."""


@dataclass(frozen=True)
class LowDataPlan(TrainingPlan[LowData]):
    """A suite with its data; learning rates are chosen on "validation", with other draws."""

    @cached_property
    def pool(self) -> Examples:
        """The training split, from which subsets are drawn.

        Raises:
            ConfigError: the sides differ in their data, or cannot be trained as asked.
            DataError: the data is not there.
        """
        ours, theirs = self.suite.candidate.recipe, self.suite.baseline.recipe
        if (ours.data, ours.classes) != (theirs.data, theirs.classes):
            what = "both recipes must name the same data and classes; they differ"
            raise ConfigError(f"{self.suite.name}: {what}")
        pool, _ = (open_split(recipe, "train", self.root) for recipe in (ours, theirs))
        return pool

    @cached_property
    def test(self) -> Examples:
        """The images on which networks are tested at the end."""
        shown = open_split(self.suite.candidate.recipe, self.split, self.root)
        return shown.labeled_as(self.pool).keyed(self.limit)

    @cached_property
    def subsets(self) -> Subsets:
        """By draw, smallest first.

        Raises:
            DataError: a class has too few images.
        """
        return sample_subsets(self.suite, self.pool, self.suite.held_out)

    @cached_property
    def sides(self) -> tuple[RecipeSide, RecipeSide]:
        """Candidate and baseline."""
        return _side(self.suite, self.suite.candidate), _side(self.suite, self.suite.baseline)

    @cached_property
    def stacks(self) -> list[dict[int, list[Stack]]]:
        """The trainings of every side and draw as they are stepped: together, or each alone.

        Networks that select weights and others that do not are never stepped as one.
        """
        return [
            {draw: list(_stacks(self.suite, side, own)) for draw, own in self.subsets.items()}
            for side in self.sides
        ]


def weights_decided_by(recipe: Recipe) -> dict[str, Any]:
    """Return the fields of a recipe that decide the weights."""
    return recipe.model_dump(
        mode="json", exclude={"pair", "paired_seeds", "weights", "certificate"}
    )


def _stacks(suite: LowData, side: RecipeSide, subsets: Sequence[Subset]) -> Iterator[Stack]:
    every = list(_trainings(suite, side.recipe, subsets))
    if not side.together:
        yield from ([training] for training in every)
        return
    alike: dict[str, list[Training]] = {}
    for training in every:
        alike.setdefault(training.job.recipe.select, []).append(training)
    yield from alike.values()


def _trainings(suite: LowData, recipe: Recipe, subsets: Sequence[Subset]) -> Iterator[Training]:
    """Yield sizes x initializations; the seed is ``1000 draw + repeat``, alike for both sides."""
    for subset in subsets:
        select = "validation" if len(subset.held_out) else "last"
        bare = TrainingJob(recipe, subset.learned, subset.held_out)
        spec = bare.prepare.spec
        learned, held_out = decoded(bare.examples, spec), decoded(bare.held_out, spec)
        for repeat in range(suite.repeats):
            change = {"seed": 1000 * subset.draw + repeat, "select": select}
            yield Training(
                subset, repeat, TrainingJob(recipe.model_copy(update=change), learned, held_out)
            )


def _side(suite: LowData, side: Side) -> RecipeSide:
    recipe = side.recipe.model_copy(update={"steps": suite.steps, "select": "last"})
    if suite.training == "together" and not stackable(recipe):
        what = "recipe must read images, in fp32, with the last exit's loss, to train together"
        raise ConfigError(f"{side.name}: {what}")
    together = stacking_pays(recipe) if suite.training == "auto" else suite.training == "together"
    return RecipeSide(side.name, recipe, together)
