"""An engine that runs tasks here as if they were sent to workers, and keeps what that took."""

import pickle
import time
from collections.abc import Iterable, Iterator
from functools import partial

from acn_eval.engine.parcel import Packer
from acn_eval.engine.protocol import Task, TaskShow, Yielded
from acn_eval.engine.simulation import Load

__all__ = ["Rehearsal"]


class Rehearsal:
    """Runs tasks in this process; see `acn_eval.engine.protocol.Engine`.

    Attributes:
        slots: of the engine that is rehearsed, by which a study cuts its tasks.
        loads: what the driver and a worker took for each task.
        shared: bytes that a worker gets once, such as those of networks.
        sent: bytes of the tasks.
        returned: bytes of what they yielded.
    """

    mixed: tuple[str, ...] = ()

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.loads: list[Load] = []
        self.shared = self.sent = self.returned = 0

    def run(self, tasks: Iterable[Task], show: TaskShow) -> Iterator[Yielded]:
        """Yield what tasks yield, task by task."""
        packer, lap = Packer(self._put), _Laps()
        for number, task in enumerate(tasks):
            self.sent += len(packer.pack(task).content)
            driver, worker = lap(), 0.0
            for item in task(partial(show, number)):
                worker += lap()
                self.returned += len(pickle.dumps(item))
                yield Yielded(number, item)
                driver += lap()
            self.loads.append(Load(driver, worker + lap()))

    def _put(self, name: str, content: bytes) -> None:
        self.shared += len(content)

    def __enter__(self) -> "Rehearsal":
        return self

    def __exit__(self, *reason: object) -> None:
        """Nothing ends."""


class _Laps:
    """Returns the seconds since it was last called."""

    def __init__(self) -> None:
        self._last = time.perf_counter()

    def __call__(self) -> float:
        before, self._last = self._last, time.perf_counter()
        return self._last - before
