"""An engine of several processes of this machine, which this one starts and ends."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any

import torch

from acn_eval.engine.choice import EngineChoice
from acn_eval.engine.crew import Crew, Job, Worker
from acn_eval.engine.environment import Environment
from acn_eval.engine.places import places
from acn_eval.engine.protocol import Task, TaskShow, Yielded
from acn_eval.errors import ConfigError, MeasureError

__all__ = ["Processes"]

_ATTEMPTS = 3


class Processes:
    """Runs tasks in workers; see `acn_eval.engine.protocol.Engine`.

    Workers start when there are tasks for them, and stay warm until the engine is left. They end
    with this process, however it ends.

    Args:
        choice: how many workers, and threads of each.
        device: of the tasks; each worker sees one of several GPUs.
    """

    def __init__(self, choice: EngineChoice, device: torch.device) -> None:
        self._choice, self._device = choice, device
        self._places = places(choice, str(device))
        self._crew: Crew | None = None
        self._mixed: dict[str, None] = {}

    @property
    def slots(self) -> int:
        """The number of workers."""
        return len(self._places)

    @property
    def mixed(self) -> tuple[str, ...]:
        """In what the environments of workers differ, such as the kind of GPU."""
        return tuple(self._mixed)

    def run(self, tasks: Iterable[Task], show: TaskShow) -> Iterator[Yielded]:
        """Yield what tasks yield, in any order; those of one task in its order.

        Raises:
            ConfigError: a task cannot be sent, or the environment of a worker differs.
            MeasureError: a worker does not start, or a task lost three of them.
            AcnEvalError: a task raised it.
        """
        if self._crew is None or not self._crew.fits:
            self.__exit__()
            self._crew = Crew(self._places, str(self._device))
        crew = self._crew
        try:
            yield from _Run(crew, tasks, show, self._welcome).found()
        finally:
            crew.stop()

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *reason: object) -> None:
        """End the workers."""
        if self._crew is not None:
            self._crew.end()

    def _welcome(self, worker: Worker, environment: Environment) -> None:
        """Take a worker, also one whose environment differs, if that is allowed."""
        worker.ready = True
        found = Environment.here(self._device).differences(environment)
        if found and not self._choice.allow_mixed:
            msg = "`engine`: workers must have the environment of this process; got"
            raise ConfigError(f"{msg} {', '.join(found)}", "engine")
        worker.alike = not found
        self._mixed |= dict.fromkeys(found)


class _Run:
    """The tasks of one run, and what comes of them."""

    def __init__(
        self,
        crew: Crew,
        tasks: Iterable[Task],
        show: TaskShow,
        welcome: Callable[[Worker, Environment], None],
    ) -> None:
        self._crew, self._tasks, self._show, self._welcome = crew, iter(tasks), show, welcome
        self._numbers, self._again = count(), deque[Job]()

    def found(self) -> Iterator[Yielded]:
        """Yield what the tasks yield."""
        self._hand_out()
        while self._crew.busy:
            for worker, message in self._crew.heard():
                yield from self._take(worker, message)
            self._hand_out()

    def _hand_out(self) -> None:
        while self._crew.has_room and (job := self._next()):
            self._crew.give(job)
        self._crew.balance()

    def _next(self) -> Job | None:
        if self._again:
            return self._again.popleft()
        for task in self._tasks:
            return Job(next(self._numbers), str(task), self._crew.pack(task))
        return None

    def _take(self, worker: Worker, message: tuple[Any, ...]) -> Iterator[Yielded]:
        match message:
            case "ready", environment:
                self._welcome(worker, environment)
            case "show", number, more, kept:
                self._show(number, more, kept)
            case "yielded", number, item:
                yield Yielded(number, item, worker.alike)
            case ("ended",):
                worker.done()
            case "back", number:
                self._again.append(worker.given_back(number))
            case "failed", error:
                worker.done()
                raise error
            case "lost", how:
                self._lost(worker, how)

    def _lost(self, worker: Worker, how: str) -> None:
        """Let others do what a worker had that ended; the first of it may be why."""
        if not worker.ready and how.startswith("ended"):
            raise MeasureError(f"worker: must start; it {how}, and said why before this line")
        for job in reversed(worker.jobs):
            self._again.appendleft(job)
        if worker.jobs:
            first = worker.jobs[0]
            first.lost += 1
            if first.lost == _ATTEMPTS:
                msg = (
                    f"{first.name}: must end; {_ATTEMPTS} workers were lost over it, and the last"
                )
                remedy = "Fewer workers, or smaller batches, need less memory."
                raise MeasureError(f"{msg} {how}. {remedy}")
