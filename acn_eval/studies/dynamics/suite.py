"""The dynamics suite: one recipe for several connectivities, observed during training."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from acn_eval.errors import ConfigError
from acn_eval.models import rewired
from acn_eval.models.connectivity import ConnectivityName
from acn_eval.study.suite import Suite
from acn_eval.training.recipe import Looks, Recipe

__all__ = ["SUITE", "Dynamics"]


class Dynamics(Suite, frozen=True):
    """Networks of one recipe that differ in their connectivity alone.

    Attributes:
        recipe: of every network; each row of the table of connectivities replaces its grain and
            skips, and the last weights are kept.
        connectivities: rows of `acn_eval.models.connectivity.CONNECTIVITIES`, one training each.
        looks: number of snapshots after the one before the first step.
        probed: training images on which gradients are measured, the same in every snapshot.
    """

    question: ClassVar[str] = "Does training go layer by layer, all by itself?"
    checkpoints: ClassVar = "optional"

    kind: Literal["dynamics"] = "dynamics"
    recipe: Recipe
    connectivities: Annotated[tuple[ConnectivityName, ...], Field(min_length=1, max_length=100)]
    looks: Looks = 10
    probed: Annotated[int, Field(gt=0, le=1_000_000)] = 256

    @model_validator(mode="after")
    def _connectivities_differ_and_fit(self) -> Self:
        if len(set(self.connectivities)) < len(self.connectivities):
            msg = f"connectivities must differ; got {', '.join(self.connectivities)}"
            raise ValueError(msg)
        try:
            for connectivity in self.connectivities:
                self.recipe_of(connectivity)
        except ConfigError as exc:
            raise ValueError(str(exc)) from exc
        return self

    def recipe_of(self, connectivity: ConnectivityName) -> Recipe:
        """Return the recipe of one network.

        Raises:
            ConfigError: the architecture has no such connectivity.
        """
        arch = rewired(self.recipe.arch, connectivity)
        changed = {"arch": arch, "select": "last", "pair": None}
        return self.recipe.model_copy(update=changed)

    def looked_at(self) -> list[int]:
        """Steps after which a snapshot is taken, 0 and the last included."""
        return sorted({round(self.recipe.steps * i / self.looks) for i in range(self.looks + 1)})


SUITE = Dynamics
