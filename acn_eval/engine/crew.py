"""Workers on this machine, as the process that starts, feeds and hears them sees them.

A worker is a process with a connection of its own: nothing is shared that one which is killed
could leave locked.
"""

import os
import signal
import socket
import subprocess
import sys
import weakref
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from acn_eval import reach
from acn_eval.engine.folder import OwnFolder
from acn_eval.engine.parcel import Packer
from acn_eval.errors import MeasureError

__all__ = ["Crew", "Job", "Worker"]

_LOOK = 1.0  # seconds between two looks at whether workers live
_AHEAD = 2  # tasks at a worker: one that runs, and one so that it never waits
_START = "import sys; sys.path[:] = sys.argv[2:]; from acn_eval.engine.worker import main; main()"


@dataclass
class Job:
    """A task that was packed.

    Attributes:
        number: of the task.
        name: what a message calls it.
        content: the task as bytes.
        lost: how many workers it ran on when they ended.
    """

    number: int
    name: str
    content: bytes
    lost: int = 0


class Worker:
    """One worker.

    Args:
        variables: of its environment, beside those of this process.
        terms: its first message.

    Attributes:
        jobs: given to it and not finished; the first one runs.
        ready: whether it has imported torch.
        alike: whether its environment is that of this process.
    """

    def __init__(self, variables: Mapping[str, str], terms: tuple[str, bytes]) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START, str(theirs.fileno()), *sys.path],
                env={**os.environ, **variables},
                stdin=subprocess.DEVNULL,
                stdout=2 if sys.__stderr__ else subprocess.DEVNULL,  # ours is for results
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # a Ctrl-C is for this process, which ends it
            )
        self.connection = Connection(ours.detach())
        self.variables = variables
        self.jobs, self.ready, self.alike = deque[Job](), False, True
        self._asked: int | None = None
        self._send(terms)

    def hear(self) -> Any:
        """Return a message, ``("lost", how)`` if it has ended, or None."""
        ended = self._process.poll() is not None  # what it forked may hold its connection
        try:
            if self.connection.poll():
                return self.connection.recv()
        except (EOFError, OSError):
            ended = True
        return ("lost", self.end()) if ended else None

    def give(self, job: Job) -> None:
        """Send a task."""
        self.jobs.append(job)
        self._send((job.number, job.content))

    def ask_back(self) -> None:
        """Ask for its last task, which it gives unless it has begun it."""
        last = self.jobs[-1].number
        if self._asked != last:
            self._asked = last
            self._send((last, None))

    def done(self) -> None:
        """Forget the task that it has finished."""
        self.jobs.popleft()

    def given_back(self, number: int) -> Job:
        """Return a task that it was asked for, which may no longer be its last one."""
        job = next(job for job in self.jobs if job.number == number)
        self.jobs.remove(job)
        self._asked = None
        return job

    def end(self) -> str:
        """Kill it and what it started, if it still runs; say how it ended."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self.connection.close()  # one that lives takes it for the end of all, and of their folder
        code = self._process.wait()
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"

    def _send(self, message: Any) -> None:
        with suppress(ConnectionError):  # it has ended, which is heard
            self.connection.send(message)


class Crew:
    """Workers, started as there are tasks for them.

    Args:
        places: variables of the environment of every worker.
        device: of the tasks.
    """

    def __init__(self, places: Sequence[Mapping[str, str]], device: str) -> None:
        self._places, self._rules = places, reach.rules()
        self._workers: list[Worker] = []
        folder = OwnFolder("acn-eval-workers-")
        self._folder = folder.path
        self._packer = Packer(partial(_write, self._folder))
        self.end = weakref.finalize(self, _end, self._workers, folder)
        self._terms = str(self._folder), self.pack((device, self._rules))
        _crews.add(self)

    @property
    def fits(self) -> bool:
        """Whether it was not ended, and its workers may open what this process may."""
        return self.end.alive and self._rules == reach.rules()

    @property
    def busy(self) -> bool:
        """Whether tasks are under way."""
        return any(worker.jobs for worker in self._workers)

    @property
    def has_room(self) -> bool:
        """Whether a worker takes a task, or may be started for one."""
        more = len(self._workers) < len(self._places)
        return more or any(len(worker.jobs) < _AHEAD for worker in self._workers)

    def pack(self, task: Any) -> bytes:
        """Return something as bytes for workers; what is sent once lies in a folder."""
        return self._packer.pack(task).content

    def give(self, job: Job) -> None:
        """Send a task to the worker with the least to do; one is started if none is idle."""
        least = min(self._workers, key=lambda worker: len(worker.jobs), default=None)
        if least is None or (least.jobs and len(self._workers) < len(self._places)):
            taken = [worker.variables for worker in self._workers]
            free = min(self._places, key=taken.count)
            least = Worker(free, self._terms)
            self._workers.append(least)
        least.give(job)

    def balance(self) -> None:
        """Ask a worker for a task that it has not begun, if another one is idle."""
        idle = sum(not worker.jobs for worker in self._workers)
        for worker in self._workers:
            if idle and len(worker.jobs) > 1:
                worker.ask_back()
                idle -= 1

    def heard(self) -> Iterator[tuple[Worker, tuple[Any, ...]]]:
        """Wait for messages, at most a second, and yield one of each worker that sent any.

        That of a worker which has ended is ``("lost", how)``; it is forgotten.
        """
        wait([worker.connection for worker in self._workers], _LOOK)
        for worker in list(self._workers):
            message = worker.hear()
            if message and message[0] == "lost":
                self._workers.remove(worker)
            if message:
                yield worker, message

    def leave(self) -> None:
        """Forget the workers, and leave them to the process that this one was forked from."""
        self.end.detach()
        while self._workers:
            self._workers.pop().connection.close()

    def stop(self) -> None:
        """End the workers that are not idle."""
        for worker in [worker for worker in self._workers if worker.jobs]:
            self._workers.remove(worker)
            worker.end()


_crews = weakref.WeakSet[Crew]()


def _leave_all() -> None:
    for crew in list(_crews):
        crew.leave()


os.register_at_fork(after_in_child=_leave_all)


def _write(folder: Path, name: str, content: bytes) -> None:
    try:
        (folder / name).write_bytes(content)
    except OSError as exc:
        msg = f"{folder}: must take what workers share, {len(content)} bytes; got {exc.strerror}"
        raise MeasureError(f"{msg}. TMPDIR names the place of another folder.") from exc


def _end(workers: list[Worker], folder: OwnFolder) -> None:
    while workers:
        workers.pop().end()
    folder.remove()
