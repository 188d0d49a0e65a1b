"""The plan: a suite with its data, from which every training follows."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from acn_eval.data import (
    Examples,
    Geometry,
    PrepareImages,
    Split,
    channel_moments,
    decoded,
    open_examples,
)
from acn_eval.errors import DataError
from acn_eval.inference import OutcomeCache, Runtime
from acn_eval.models import AnyArch
from acn_eval.models.connectivity import ConnectivityName
from acn_eval.studies.continual.methods import EWC, AnyMethod, Joint, Replay
from acn_eval.studies.continual.suite import Continual
from acn_eval.studies.continual.tasks import Tasks

__all__ = ["JUDGED", "Plan", "TaskSequenceRun", "open_plan"]

JUDGED = frozenset({"name", "description", "equivalence_margin", "paired_seeds"})
"""Fields of a suite that say how outcomes are shown and judged; they decide none."""


@dataclass(frozen=True)
class Plan:
    """A suite with its data.

    Attributes:
        train: what is learned from; no other split is touched before the end of a task.
        test: images that are shown after every task.
    """

    suite: Continual
    train: Examples
    test: Examples
    runtime: Runtime

    @cached_property
    def prepare(self) -> PrepareImages:
        """What networks are shown, with the moments of the training images of all tasks."""
        geometry = Geometry(self.suite.arch.image_size, self.suite.arch.channels)
        return PrepareImages(geometry, *channel_moments(self.train, geometry))

    def courses(self) -> list["TaskSequenceRun"]:
        """Return every training, those of one comparison together, joint training first."""
        suite = self.suite
        methods = sorted(suite.methods, key=lambda method: not isinstance(method, Joint))
        return [
            TaskSequenceRun(self, connectivity, depth, method, suite.first_seed + number)
            for method in methods
            for depth in suite.depths
            for connectivity in suite.connectivities
            for number in range(suite.seeds)
        ]


@dataclass(frozen=True)
class TaskSequenceRun:
    """One training of the plan: a network that learns all tasks, in turn or at once."""

    plan: Plan
    connectivity: ConnectivityName
    depth: int
    method: AnyMethod
    seed: int

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
        """The tasks, which hang on the seed alone."""
        return Tasks.drawn(self.plan.train.classes, self.plan.suite.tasks, self.seed)

    @cached_property
    def lessons(self) -> list[Examples]:
        """What is learned from at every stage: a task, or at once all of them."""
        if isinstance(self.method, Joint):
            return [self.plan.train]
        return [self.tasks.part(self.plan.train, task) for task in range(len(self.tasks))]

    @property
    def learned(self) -> list[int]:
        """How many tasks are known after every stage."""
        count = len(self.tasks)
        return [count] if isinstance(self.method, Joint) else list(range(1, count + 1))

    @cached_property
    def steps(self) -> list[int]:
        """Optimizer steps of every stage."""
        parts = [self.tasks.part(self.plan.train, task) for task in range(len(self.tasks))]
        each = [self.plan.suite.steps_of(len(part)) for part in parts]
        return [sum(each)] if isinstance(self.method, Joint) else each

    @property
    def replayed(self) -> int:
        """Remembered images in every step after the first stage."""
        remedy = self.method
        return (remedy.batch or self.plan.suite.batch) if isinstance(remedy, Replay) else 0

    @property
    def examples(self) -> int:
        """Images that all steps are shown, remembered ones included."""
        return self.plan.suite.batch * sum(self.steps) + self.replayed * sum(self.steps[1:])

    @property
    def scores(self) -> int:
        """Gradients of single answers that EWC takes in all: one per image and class."""
        remedy = self.method
        if not isinstance(remedy, EWC):
            return 0
        classes = self.tasks.columns.shape[1]
        tasks = self.learned if self.plan.suite.logits == "seen" else [1] * len(self.lessons)
        images = [min(remedy.images, len(part)) for part in self.lessons]
        return sum(n * known * classes for n, known in zip(images, tasks, strict=True))

    @property
    def facts(self) -> Mapping[str, Any]:
        """Everything that decides the outcomes, as plain JSON."""
        plan = self.plan
        shown = {*JUDGED, "kind"}
        return {
            "protocol": {k: v for k, v in plan.suite.protocol.items() if k not in shown},
            "arch": self.arch.model_dump(mode="json"),
            "method": self.method.model_dump(mode="json"),
            "seed": self.seed,
            "tasks": self.tasks.digest,
            "train": plan.train.fingerprint,
            "test": plan.test.fingerprint,
            "device": plan.runtime.device.type,
        }

    @property
    def address(self) -> str:
        """Where the store keeps the outcomes."""
        return OutcomeCache.key(["continual v1", self.facts, torch.__version__])


def open_plan(
    suite: Continual,
    runtime: Runtime,
    *,
    root: Path | None = None,
    limit: int | None = None,
    split: Split = "test",
) -> Plan:
    """Open the data of a plan.

    Args:
        suite: what is trained.
        runtime: device, batch size of the test images, and the store of finished trainings.
        root: where data sets lie.
        limit: the first so many test images in the keyed order.
        split: what is shown after every task; whatever is chosen is chosen on "validation".

    Raises:
        ConfigError: the classes cannot be cut into so many tasks.
        DataError: the data is not there, or a task has no images.
    """
    train, shown = (_open(suite, name, root) for name in ("train", split))
    shown = shown.only(train.classes).keyed(limit)
    for seed in range(suite.first_seed, suite.first_seed + suite.seeds):
        tasks = Tasks.drawn(train.classes, suite.tasks, seed)
        for part in (train, shown):
            _some_of_every_task(part, tasks)
    geometry = Geometry(suite.arch.image_size, suite.arch.channels)
    return Plan(suite, decoded(train, geometry), shown, runtime)


def _some_of_every_task(examples: Examples, tasks: Tasks) -> None:
    images = np.bincount(tasks.of_class[examples.labels], minlength=len(tasks))
    if not images.all():
        task = int(images.argmin())
        msg = (
            f"{examples.name}: {examples.split} must have images of every task; got none of task "
            f"{task + 1} of seed {tasks.seed}, {', '.join(tasks.names[task])}, among "
            f"{len(examples)}. Take more images, or fewer tasks."
        )
        raise DataError(msg)


def _open(suite: Continual, split: Split, root: Path | None) -> Examples:
    examples = open_examples(suite.data, split, root)
    return examples if suite.classes is None else examples.only(suite.classes)
