"""The continual suite: classes come in tasks, one after another; how much is forgotten?"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from acn_eval.config_files import Text
from acn_eval.errors import ConfigError
from acn_eval.models import AnyArch, rewired
from acn_eval.models.connectivity import ConnectivityName
from acn_eval.statistics.architectures import PairedSeeds
from acn_eval.studies.continual.methods import AnyMethod
from acn_eval.study.suite import Suite
from acn_eval.training.batches import Augment
from acn_eval.training.recipe import Batch, ClassNames, Clip, Decay, Rate, Steps

__all__ = ["SUITE", "Continual"]

Depth = Annotated[int, Field(gt=0, le=1000)]


class Continual(Suite, frozen=True):
    """Two connectivities learn the same tasks in the same order; a seed is the unit.

    The head has one output per class of the data. With ``logits: task`` the loss and the
    task-incremental accuracy read the outputs of the image's own task alone, which amounts to a
    head per task. Weights of the head do not decay, so that the heads of other tasks do not
    change (except by their momentum where the optimizer is kept).

    Attributes:
        data: name of the data, of which only `classes` are used where any are given.
        tasks: how many equal parts the classes are cut into, in an order drawn from the seed.
        epochs, steps: of every task, one of the two; joint training gets their sum.
        logits: ``task``, or ``seen``: the outputs of all classes so far, a single head.
        optimizer: whether AdamW starts anew with every task (``reset``) or is ``kept``.
        learning_rate: constant.
        clip: largest gradient norm; None does not clip.
        arch: of every network; its depth, connectivity, grain, skips and classes are replaced.
        connectivities: candidate and baseline.
        depths, methods: every network of every depth is trained with every method.
        seeds: how many, numbered from `first_seed`: a seed decides class order, initialization,
            and order of the images, alike for both sides.
        paired_seeds: why seeds are analyzed as pairs, from other seeds; None: as independent.
    """

    question: ClassVar[str] = "How much does it forget when it learns something new?"
    checkpoints: ClassVar = "none"
    renamed: ClassVar[Mapping[str, str]] = {"optimiser": "optimizer"}
    plan_fields: ClassVar[frozenset[str]] = frozenset(
        {"arch", "connectivities", "depths", "methods", "seeds", "first_seed"}
    )

    kind: Literal["continual"] = "continual"
    data: Text
    classes: ClassNames | None = None
    tasks: Annotated[int, Field(ge=2, le=10_000)]
    epochs: Annotated[float, Field(gt=0, le=100_000)] | None = None
    steps: Steps | None = None
    batch: Batch = 64
    learning_rate: Rate = 1e-3
    weight_decay: Decay = 0.01
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    clip: Clip | None = None
    augment: Augment = Augment()
    logits: Literal["task", "seen"] = "task"
    optimizer: Literal["reset", "kept"] = "reset"
    arch: AnyArch
    connectivities: tuple[ConnectivityName, ConnectivityName] = ("acn", "residual")
    depths: Annotated[tuple[Depth, ...], Field(min_length=1, max_length=100)]
    methods: Annotated[tuple[AnyMethod, ...], Field(min_length=1, max_length=100)]
    seeds: Annotated[int, Field(ge=1, le=1000)] = 5
    first_seed: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    paired_seeds: PairedSeeds | None = None

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.epochs is None) == (self.steps is None):
            msg = "length of a task must be given as epochs or as steps, one of the two"
            raise ValueError(msg)
        if self.augment.cutmix:
            msg = f"augment.cutmix must be 0: it mixes classes; got {self.augment.cutmix}"
            raise ValueError(msg)
        if self.arch.branches:
            msg = "arch.branches must be empty: the last head alone is trained"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _rows_differ_and_fit(self) -> Self:
        labels = [method.label for method in self.methods]
        for what, given in (
            ("connectivities", self.connectivities),
            ("depths", self.depths),
            ("methods", labels),
        ):
            if len(set(given)) < len(given):
                msg = f"{what} must differ; got {', '.join(map(str, given))}"
                raise ValueError(msg)
        try:
            one, other = (self.arch_of(c, self.depths[0], self.tasks) for c in self.connectivities)
        except ConfigError as exc:
            raise ValueError(str(exc)) from exc
        if one == other:
            both = " and ".join(self.connectivities)
            raise ValueError(f"connectivities must differ; {both} are one in {self.arch.kind}")
        return self

    def arch_of(self, connectivity: ConnectivityName, depth: int, classes: int) -> AnyArch:
        """Return the architecture of one network.

        Raises:
            ConfigError: the architecture has no such connectivity.
        """
        return rewired(self.arch, connectivity, depth=depth, classes=classes)

    def steps_of(self, images: int) -> int:
        """Return the optimizer steps of a task with so many training images."""
        if self.steps is not None:
            return self.steps
        assert self.epochs is not None
        return max(1, round(self.epochs * images / self.batch))

    @property
    def protocol(self) -> dict[str, Any]:
        """The fields that are equal for all trainings of a plan, as plain JSON."""
        return self.model_dump(mode="json", exclude=set(self.plan_fields))


SUITE = Continual
