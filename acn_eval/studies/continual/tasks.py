"""Tasks: the classes of a data set in a random order, cut into equal parts."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acn_eval.data.examples import Examples
from acn_eval.errors import ConfigError
from acn_eval.seeds import keyed_order

__all__ = ["TASK_STREAM", "Tasks"]

TASK_STREAM = "tasks v1"
"""Name of the random stream of class orders: an order depends on it, the seed and the number of
classes alone, so that every network gets the same tasks on every machine."""


@dataclass(frozen=True)
class Tasks:
    """The classes that are learned together, and their order.

    Attributes:
        seed: of the class order.
        classes: names of all classes; labels index into them, as in the data.
        columns: int64 (tasks, classes per task), labels of every task in the order of learning.
    """

    seed: int
    classes: tuple[str, ...]
    columns: NDArray[np.int64]

    @staticmethod
    def drawn(classes: tuple[str, ...], tasks: int, seed: int) -> "Tasks":
        """Draw the order of the classes from a seed, and cut it into `tasks` equal parts.

        Raises:
            ConfigError: the classes cannot be cut into so many equal parts.
        """
        if tasks < 1 or len(classes) % tasks:
            msg = f"tasks: must divide the number of classes, {len(classes)}; got {tasks}"
            raise ConfigError(msg)
        order = keyed_order(np.arange(len(classes)), TASK_STREAM, seed)
        return Tasks(seed, classes, order.reshape(tasks, -1))

    def __len__(self) -> int:
        """Return the number of tasks."""
        return len(self.columns)

    @cached_property
    def of_class(self) -> NDArray[np.int64]:
        """The task (classes,) that each class belongs to, 0 first."""
        found = np.empty(self.columns.size, np.int64)
        found[self.columns] = np.arange(len(self))[:, None]
        return found

    def part(self, examples: Examples, task: int) -> Examples:
        """Return the examples of one task; their labels stay those of all classes."""
        return examples.at(np.flatnonzero(self.of_class[examples.labels] == task))

    @property
    def digest(self) -> str:
        """16 hex digits over the class names of every task, in order."""
        text = "\x1e".join("\x1f".join(names) for names in self.names)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def names(self) -> list[list[str]]:
        """Class names of every task."""
        return [[self.classes[c] for c in task] for task in self.columns]

    def record(self) -> dict[str, Any]:
        """Return the tasks as plain JSON, with their random stream and their hash."""
        named = {"stream": TASK_STREAM, "seed": self.seed}
        return {**named, "tasks": self.names, "sha256": self.digest}
