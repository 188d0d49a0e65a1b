"""What every engine does: it runs tasks, and gives back what they yield."""

import math
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Protocol

__all__ = ["Engine", "Show", "Task", "TaskShow", "Yielded", "pieces_for"]

_FEWEST = 4  # tasks per slot, so that none waits long for the last
_IDLE = 1.1  # times the wall time that no slot would ever wait in


class Show(Protocol):
    """Shows the work of a task that is done and not yielded."""

    def __call__(self, more: int, kept: int = 0, /) -> None:
        """Show it, and how much of it the same run would not do again."""
        ...


class TaskShow(Protocol):
    """Shows the same of one of several tasks, by its number."""

    def __call__(self, task: int, more: int, kept: int = 0, /) -> None:
        """Show it."""
        ...


class Task(Protocol):
    """Work that can be pickled, and yields the same wherever and however often it is run."""

    def __call__(self, show: Show, /) -> Iterator[Any]:
        """Yield what is found, each when it is final."""
        ...


class Yielded(NamedTuple):
    """What a task yielded.

    Attributes:
        task: its number.
        item: what it yielded.
        alike: whether the environment of the worker is that of this process.
    """

    task: int
    item: Any
    alike: bool = True


class Engine(Protocol):
    """Runs tasks somewhere. As a context it ends its workers; until then they stay warm."""

    @property
    def slots(self) -> int:
        """How many tasks run at once."""

    @property
    def mixed(self) -> tuple[str, ...]:
        """In what the environments of its workers differ, in words; empty where they do not."""

    def run(self, tasks: Iterable[Task], show: TaskShow) -> Iterator[Yielded]:
        """Yield what tasks yield, in any order; those of one task in its order.

        Tasks are taken when there is room for them. One whose worker is lost is run again, and
        may yield the same twice. Where the iterator is closed, its tasks end.

        Raises:
            AcnEvalError: a task raised it, or it lost its worker again and again.
        """
        ...

    def __enter__(self) -> "Engine": ...

    def __exit__(self, *reason: object) -> None: ...


def pieces_for(bundles: int, slots: int) -> int:
    """Return into how many tasks each of so many equal bundles is cut.

    The fewest with four tasks per slot and at most a tenth of the slots' time idle at the end: a
    bundle that is cut is read, and its noise drawn, once per piece.

    >>> pieces_for(1, 1), pieces_for(1, 2), pieces_for(25, 8)
    (1, 8, 3)
    """
    if slots < 2 or not bundles:
        return 1
    count = max(1, math.ceil(_FEWEST * slots / bundles))
    while math.ceil(bundles * count / slots) * slots > _IDLE * bundles * count:
        count += 1
    return count
