"""The plan: a suite with its data, from which every training follows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acn_eval.data import Examples, Split, decoded
from acn_eval.errors import ConfigError
from acn_eval.inference import Runtime
from acn_eval.studies.low_data.draws import Subset
from acn_eval.studies.low_data.subsets import Subsets, sample_subsets
from acn_eval.studies.low_data.suite import LowData, Side
from acn_eval.training import Recipe, TrainingJob, stackable, stacking_pays
from acn_eval.training.fit import open_split

__all__ = ["Plan", "RecipeSide", "Training", "decides", "open_plan"]


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
    """One training of the plan: a subset, and the number of an initialisation."""

    subset: Subset
    repeat: int
    lesson: TrainingJob


Group = Sequence[Training]
"""Trainings that are stepped as one, and stored as one."""


@dataclass(frozen=True)
class Plan:
    """A suite with its data.

    Attributes:
        pool: the training split, from which subsets are drawn.
        test: the images that are shown at the end.
        subsets: by draw, smallest first.
        arms: candidate and baseline.
    """

    suite: LowData
    pool: Examples
    test: Examples
    runtime: Runtime
    subsets: Subsets
    arms: tuple[RecipeSide, RecipeSide]

    @property
    def steps(self) -> int:
        """Optimizer steps in all."""
        return sum(self.suite.steps * self.suite.repeats for s in self._every for _ in self.arms)

    @property
    def _every(self) -> list[Subset]:
        return [subset for subsets in self.subsets.values() for subset in subsets]

    def groups(self, arm: RecipeSide, draw: int) -> list[Group]:
        """Return the trainings of one draw as they are stepped: together, or each alone.

        Groups are fixed by the plan, so that a run that goes on after a kill ends with the same
        numbers. Networks that select weights and others that do not are never stepped as one.
        """
        every = _trainings(self.suite, arm.recipe, self.subsets[draw])
        if not arm.together:
            return [[training] for training in every]
        alike: dict[str, list[Training]] = {}
        for training in every:
            alike.setdefault(training.lesson.recipe.select, []).append(training)
        return list(alike.values())


def open_plan(
    suite: LowData,
    runtime: Runtime,
    *,
    root: Path | None = None,
    limit: int | None = None,
    split: Split = "test",
) -> Plan:
    """Open the data of a plan, draw its subsets, and settle how its networks are stepped.

    Args:
        suite: what is trained.
        runtime: device, batch size of the test images, and the store of finished trainings.
        root: where data sets lie.
        limit: the first so many test images in the keyed order.
        split: what is shown at the end; rates are chosen on "validation", with other draws.

    Raises:
        ConfigError: the sides differ in their data, or cannot be trained as asked.
        DataError: the data is not there, or a class has too few images.
    """
    ours, theirs = suite.candidate.recipe, suite.baseline.recipe
    if (ours.data, ours.classes) != (theirs.data, theirs.classes):
        msg = f"{suite.name}: both recipes must name the same data and classes; they differ"
        raise ConfigError(msg)
    pool, _ = (open_split(r, "train", root) for r in (ours, theirs))
    subsets = sample_subsets(suite, pool, suite.held_out)
    return Plan(
        suite=suite,
        pool=pool,
        test=open_split(ours, split, root).labelled_as(pool).keyed(limit),
        runtime=runtime,
        subsets=subsets,
        arms=(_side(suite, suite.candidate), _side(suite, suite.baseline)),
    )


def decides(recipe: Recipe) -> dict[str, Any]:
    """Return what of a recipe decides the weights."""
    return recipe.model_dump(mode="json", exclude={"pair", "paired_seeds", "weights"})


def _trainings(suite: LowData, recipe: Recipe, subsets: Sequence[Subset]) -> Iterator[Training]:
    """Yield sizes x initialisations; the seed is ``1000 draw + repeat``, alike for both sides."""
    for subset in subsets:
        select = "validation" if len(subset.held_out) else "last"
        bare = TrainingJob(recipe, subset.learned, subset.held_out)
        parts = [decoded(part, bare.prepare.spec) for part in (bare.examples, bare.held_out)]
        for repeat in range(suite.repeats):
            change = {"seed": 1000 * subset.draw + repeat, "select": select}
            yield Training(subset, repeat, TrainingJob(recipe.model_copy(update=change), *parts))


def _side(suite: LowData, side: Side) -> RecipeSide:
    recipe = side.recipe.model_copy(update={"steps": suite.steps, "select": "last"})
    if suite.training == "together" and not stackable(recipe):
        msg = f"{side.name}: recipe must be in fp32, with the last exit's loss, to train together"
        raise ConfigError(msg)
    together = stacking_pays(recipe) if suite.training == "auto" else suite.training == "together"
    return RecipeSide(side.name, recipe, together)
