"""The engine that is taken by default: this process, task by task."""

from collections.abc import Iterable, Iterator
from functools import partial

from acn_eval.engine.protocol import Task, TaskShow, Yielded

__all__ = ["LOCAL", "Local"]


class Local:
    """Runs tasks in this process; see `acn_eval.engine.protocol.Engine`."""

    slots = 1
    mixed: tuple[str, ...] = ()

    def run(self, tasks: Iterable[Task], show: TaskShow) -> Iterator[Yielded]:
        """Yield what tasks yield, task by task."""
        for number, task in enumerate(tasks):
            for item in task(partial(show, number)):
                yield Yielded(number, item)

    def __enter__(self) -> "Local":
        return self

    def __exit__(self, *reason: object) -> None:
        """Nothing ends."""


LOCAL = Local()
