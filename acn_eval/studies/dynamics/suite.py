"""The dynamics suite: one recipe for several connectivities, observed during training."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from acn_eval.config_files import Config
from acn_eval.errors import ConfigError
from acn_eval.models import rewired
from acn_eval.models.connectivity import ConnectivityName, Skips
from acn_eval.study.suite import Suite
from acn_eval.training.recipe import Looks, Recipe

__all__ = ["SUITE", "Arm", "Dynamics", "Wiring", "name_of"]


class Wiring(Config, frozen=True):
    """A connectivity whose blocks have other inner skips than is usual for it."""

    connectivity: ConnectivityName
    skips: Skips


Arm = Annotated[
    Annotated[ConnectivityName, Tag("name")] | Annotated[Wiring, Tag("with skips")],
    Discriminator(lambda arm: "name" if isinstance(arm, str) else "with skips"),
]
"""What one network differs from the others in."""


def name_of(arm: Arm) -> str:
    """Return the name of a network.

    >>> name_of("acn"), name_of(Wiring(connectivity="acn", skips="attention"))
    ('acn', 'acn_attention')
    """
    return f"{arm.connectivity}_{arm.skips}" if isinstance(arm, Wiring) else arm


class Dynamics(Suite, frozen=True):
    """Networks of one recipe that differ in their connectivity alone.

    Attributes:
        recipe: of every network; each row of the table of connectivities replaces its grain and
            skips, and the last weights are kept.
        connectivities: rows of `acn_eval.models.connectivity.CONNECTIVITIES`, one training each;
            a row may be named together with its inner skips.
        looks: number of snapshots after the one before the first step.
        probed: training images on which gradients are measured, the same in every snapshot.
    """

    question: ClassVar[str] = "Does training go layer by layer, all by itself?"
    checkpoints: ClassVar = "optional"
    ranks: ClassVar = False

    kind: Literal["dynamics"] = "dynamics"
    recipe: Recipe
    connectivities: Annotated[tuple[Arm, ...], Field(min_length=1, max_length=100)]
    looks: Looks = 10
    probed: Annotated[int, Field(gt=0, le=1_000_000)] = 256

    @model_validator(mode="after")
    def _connectivities_differ_and_fit(self) -> Self:
        names = [name_of(arm) for arm in self.connectivities]
        if len(set(names)) < len(names):
            msg = f"connectivities must differ; got {', '.join(names)}"
            raise ValueError(msg)
        try:
            found = {self.recipe_of(arm).arch for arm in self.connectivities}
        except ConfigError as exc:
            raise ValueError(str(exc)) from exc
        if len(found) < len(names):
            msg = f"connectivities must differ; two of {', '.join(names)} are one"
            raise ValueError(f"{msg} in {self.recipe.arch.kind}")
        return self

    def recipe_of(self, arm: Arm) -> Recipe:
        """Return the recipe of one network.

        Raises:
            ConfigError: the architecture has no such connectivity, or not with these skips.
        """
        own = arm.model_dump() if isinstance(arm, Wiring) else {"connectivity": arm}
        arch = rewired(self.recipe.arch, **own)
        changed = {"arch": arch, "select": "last", "pair": None}
        return self.recipe.model_copy(update=changed)

    def looked_at(self) -> list[int]:
        """Steps after which a snapshot is taken, 0 and the last included."""
        return sorted({round(self.recipe.steps * i / self.looks) for i in range(self.looks + 1)})


SUITE = Dynamics
