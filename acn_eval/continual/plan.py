"""The plan: a suite with its data, from which every training follows."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from acn_eval.data import Examples, Geometry, Split, Tasks, channel_moments, decoded, open_examples
from acn_eval.models import AnyArch
from acn_eval.models.connectivity import ConnectivityName
from acn_eval.passes import Place, Store
from acn_eval.suites.continual import Continual
from acn_eval.suites.remedies import AnyRemedy, Joint
from acn_eval.training.fit import Scale

__all__ = ["Course", "Plan", "open_plan"]


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
    place: Place

    @property
    def geometry(self) -> Geometry:
        """Size and channels of the pictures."""
        return Geometry(self.suite.arch.image_size, self.suite.arch.channels)

    @cached_property
    def moments(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and std of every channel, of the training images of all tasks."""
        return channel_moments(self.train, self.geometry)

    @property
    def scale(self) -> Scale:
        """The normalisation."""
        return Scale(*self.moments, self.place.device)

    def courses(self) -> list["Course"]:
        """Return every training, those of one comparison together, joint training first."""
        suite = self.suite
        methods = sorted(suite.methods, key=lambda method: not isinstance(method, Joint))
        return [
            Course(self, connectivity, depth, method, suite.first_seed + number)
            for method in methods
            for depth in suite.depths
            for connectivity in suite.connectivities
            for number in range(suite.seeds)
        ]


@dataclass(frozen=True)
class Course:
    """One training of the plan: a network that learns all tasks, in turn or at once."""

    plan: Plan
    connectivity: ConnectivityName
    depth: int
    method: AnyRemedy
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
        """Optimiser steps of every stage."""
        parts = [self.tasks.part(self.plan.train, task) for task in range(len(self.tasks))]
        each = [self.plan.suite.steps_of(len(part)) for part in parts]
        return [sum(each)] if isinstance(self.method, Joint) else each

    @property
    def facts(self) -> Mapping[str, Any]:
        """Everything that decides the outcomes, as plain JSON."""
        plan = self.plan
        shown = {"name", "description", "kind"}
        return {
            "protocol": {k: v for k, v in plan.suite.protocol.items() if k not in shown},
            "arch": self.arch.model_dump(mode="json"),
            "method": self.method.model_dump(mode="json"),
            "seed": self.seed,
            "tasks": self.tasks.digest,
            "train": plan.train.fingerprint,
            "test": plan.test.fingerprint,
            "device": plan.place.device.type,
        }

    @property
    def address(self) -> str:
        """Where the store keeps the outcomes."""
        return Store.key(["continual v1", self.facts, torch.__version__])


def open_plan(
    suite: Continual,
    place: Place,
    *,
    root: Path | None = None,
    limit: int | None = None,
    split: Split = "test",
) -> Plan:
    """Open the data of a plan.

    Args:
        suite: what is trained.
        place: device, batch size of the test images, and the store of finished trainings.
        root: where data sets lie.
        limit: the first so many test images in the keyed order.
        split: what is shown after every task; whatever is chosen is chosen on "validation".

    Raises:
        ConfigError: the classes cannot be cut into so many tasks.
        DataError: the data is not there.
    """
    train, shown = (_open(suite, name, root) for name in ("train", split))
    geometry = Geometry(suite.arch.image_size, suite.arch.channels)
    Tasks.drawn(train.classes, suite.tasks, suite.first_seed)
    return Plan(suite, decoded(train, geometry), shown.keyed(limit), place)


def _open(suite: Continual, split: Split, root: Path | None) -> Examples:
    examples = open_examples(suite.data, split, root)
    return examples if suite.classes is None else examples.only(suite.classes)
