"""The plan of a continual suite: its data, and every training."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from acn_eval.cache import OutcomeCache
from acn_eval.checkpoints.preparation import geometry_of
from acn_eval.data import Examples, Geometry, PrepareImages, Split, channel_moments, decoded
from acn_eval.data.open import open_examples
from acn_eval.errors import DataError
from acn_eval.inference import NumericProfile
from acn_eval.models import AnyArch
from acn_eval.models.connectivity import ConnectivityName
from acn_eval.studies.continual.methods import EWC, AnyMethod, Joint, Replay
from acn_eval.studies.continual.suite import Continual
from acn_eval.studies.continual.tasks import Tasks
from acn_eval.study.run import Described
from acn_eval.study.trainings import TrainingPlan

__all__ = ["JUDGED", "ContinualPlan", "TaskSequenceRun"]

JUDGED = frozenset(
    {"name", "description", "equivalence_margin", "equivalence_margins", "paired_seeds"}
)
"""Fields of a suite that say how outcomes are shown and judged; they decide none."""


@dataclass(frozen=True)
class ContinualPlan(TrainingPlan[Continual]):
    """A suite with its data; every network is tested after every task."""

    @cached_property
    def train(self) -> Examples:
        """The training images; no other split is opened before the end of a task.

        Raises:
            ConfigError: the classes cannot be cut into so many tasks.
            DataError: the data is not there, or a task has no images.
        """
        train = self._open("train")
        self._require_every_task(train)
        return decoded(train, self._geometry)

    @cached_property
    def test(self) -> Examples:
        """The images on which networks are tested after every task."""
        shown = self._open(self.split).only(self.train.classes).keyed(self.limit)
        self._require_every_task(shown)
        return shown

    @cached_property
    def prepare(self) -> PrepareImages:
        """The preparation of images, with the moments of the training images of all tasks."""
        return PrepareImages(self._geometry, *channel_moments(self.train, self._geometry))

    @property
    def _geometry(self) -> Geometry:
        return geometry_of(self.suite.arch)

    def _open(self, split: Split) -> Examples:
        examples = open_examples(self.suite.data, split, self.root)
        return examples if self.suite.classes is None else examples.only(self.suite.classes)

    def _require_every_task(self, examples: Examples) -> None:
        suite = self.suite
        for seed in range(suite.first_seed, suite.first_seed + suite.seeds):
            tasks = Tasks.drawn(examples.classes, suite.tasks, seed)
            images = np.bincount(tasks.of_class[examples.labels], minlength=len(tasks))
            if not images.all():
                task = int(images.argmin())
                names = ", ".join(tasks.names[task])
                msg = (
                    f"{examples.name}: {examples.split} must have images of every task; got none "
                    f"of task {task + 1} of seed {seed}, {names}, among {len(examples)}. "
                    "Take more images, or fewer tasks."
                )
                raise DataError(msg)


@dataclass(frozen=True)
class TaskSequenceRun(Described):
    """One training of the plan: a network that learns all tasks, in turn or at once."""

    plan: ContinualPlan
    connectivity: ConnectivityName
    depth: int
    method: AnyMethod
    seed: int
    profile: NumericProfile

    @property
    def name(self) -> str:
        """Name for tables."""
        return f"{self.connectivity} L{self.depth} {self.method.label} seed {self.seed}"

    @cached_property
    def arch(self) -> AnyArch:
        """The architecture, with one output per class."""
        classes = len(self.plan.train.classes)
        return self.plan.suite.arch_of(self.connectivity, self.depth, classes)

    @cached_property
    def tasks(self) -> Tasks:
        """The tasks, which depend on the seed alone."""
        return Tasks.drawn(self.plan.train.classes, self.plan.suite.tasks, self.seed)

    @cached_property
    def stages(self) -> list[Examples]:
        """Training images of every stage: those of a task, or at once of all tasks."""
        if isinstance(self.method, Joint):
            return [self.plan.train]
        return [self.tasks.part(self.plan.train, task) for task in range(len(self.tasks))]

    @property
    def tasks_after(self) -> list[int]:
        """How many tasks have been learned after every stage."""
        count = len(self.tasks)
        return [count] if isinstance(self.method, Joint) else list(range(1, count + 1))

    @cached_property
    def steps(self) -> list[int]:
        """Optimizer steps of every stage."""
        images = np.bincount(self.tasks.of_class[self.plan.train.labels])
        each = [self.plan.suite.steps_of(int(n)) for n in images]
        return [sum(each)] if isinstance(self.method, Joint) else each

    @property
    def replayed(self) -> int:
        """Remembered images in every step after the first stage."""
        method = self.method
        return (method.batch or self.plan.suite.batch) if isinstance(method, Replay) else 0

    @property
    def examples(self) -> int:
        """Training images of all steps, remembered ones included."""
        return self.plan.suite.batch * sum(self.steps) + self.replayed * sum(self.steps[1:])

    @property
    def scores(self) -> int:
        """Gradients of single log-probabilities that EWC takes: one per image and class."""
        method = self.method
        if not isinstance(method, EWC):
            return 0
        classes = self.tasks.columns.shape[1]
        tasks = self.tasks_after if self.plan.suite.logits == "seen" else [1] * len(self.stages)
        images = [min(method.images, len(part)) for part in self.stages]
        return sum(n * known * classes for n, known in zip(images, tasks, strict=True))

    @property
    def facts(self) -> dict[str, Any]:
        """Everything that decides the outcomes, as plain JSON."""
        plan, judged = self.plan, {*JUDGED, "kind"}
        return {
            "protocol": {k: v for k, v in plan.suite.protocol.items() if k not in judged},
            "arch": self.arch.model_dump(mode="json"),
            "method": self.method.model_dump(mode="json"),
            "seed": self.seed,
            "tasks": self.tasks.digest,
            "train": plan.train.fingerprint,
            "test": plan.test.fingerprint,
            "device": self.profile.device,
        }

    @cached_property
    def address(self) -> str:
        """Content address of everything that decides the outcomes."""
        return OutcomeCache.key(["continual v2", self.facts, self.profile.facts()])
