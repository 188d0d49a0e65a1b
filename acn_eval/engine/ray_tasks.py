"""Runs tasks on a Ray cluster: one that is there, or one of this run's own."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from itertools import count
from typing import Any

import torch

from acn_eval.engine.choice import EngineChoice
from acn_eval.engine.environment import Environment
from acn_eval.engine.parcel import Packer, Parcel, Unpacker
from acn_eval.engine.protocol import Task, TaskShow, Yielded
from acn_eval.engine.ray_address import cluster_of
from acn_eval.engine.ray_messages import (
    Answer,
    Cancel,
    Failed,
    Found,
    Job,
    Part,
    Ready,
    Send,
    Shown,
    Terms,
)
from acn_eval.engine.ray_process import RayProcess
from acn_eval.errors import ConfigError, MeasureError
from acn_eval.reach import rules

__all__ = ["RayTasks"]

_TRIES = 3
_AHEAD = 2  # tasks in flight, times slots


class RayTasks:
    """Runs tasks on a cluster; see `acn_eval.engine.protocol.Engine`.

    Args:
        choice: what the user asks for.
        device: of the tasks; each takes one GPU, or as many cores as it has threads.

    Raises:
        ConfigError: the address is none, or needs a token.
    """

    def __init__(self, choice: EngineChoice, device: torch.device) -> None:
        self._choice, self._device = choice, device
        self._cluster = cluster_of(choice.engine)
        self._session: _Session | None = None
        self._mixed: dict[str, None] = {}

    @property
    def slots(self) -> int:
        """How many tasks run at once; a cluster that is there is asked."""
        if self._choice.workers:
            return self._choice.workers
        return self._places if self._cluster.is_own else self._started.slots

    @property
    def mixed(self) -> tuple[str, ...]:
        """In what workers differ from this process, in words."""
        return tuple(self._mixed)

    def run(self, tasks: Iterable[Task], show: TaskShow) -> Iterator[Yielded]:
        """Yield what tasks yield, in any order; see `acn_eval.engine.protocol.Engine.run`."""
        session, waiting = self._started, enumerate(tasks)
        most = self.slots if self.slots < session.slots else _AHEAD * self.slots
        try:
            while True:
                while len(session.sent) < most and (task := next(waiting, None)):
                    session.send(*task)
                if not session.sent:
                    return
                yield from session.answered(show)
        finally:
            session.cancel()

    def __enter__(self) -> "RayTasks":
        return self

    def __exit__(self, *reason: object) -> None:
        """End what was started."""
        session, self._session = self._session, None
        if session:
            session.process.close()

    @cached_property
    def _environment(self) -> Environment:
        return Environment.here(self._device)

    @property
    def _places(self) -> int:
        if self._choice.workers or self._device.type != "cuda":
            return self._choice.places
        return torch.cuda.device_count()

    @property
    def _started(self) -> "_Session":
        if self._session is None:
            self._cluster.require_reachable()
            cpus, gpus = self._choice.fixed_threads or 1, int(self._device.type == "cuda")
            terms = Terms("", "", self._places, cpus, gpus, self._device.type)
            with ExitStack() as stack:
                session = _Session(RayProcess(self._cluster, terms), self._differs)
                stack.callback(session.process.close)
                self._require_fit(session)
                stack.pop_all()
            self._session = session
        return self._session

    def _require_fit(self, session: "_Session") -> None:
        """Refuse a cluster on which tasks would fail or wait forever."""
        ready: Ready = session.process.first()
        for node in ready.nodes:
            if node.version != version("acn-eval") or node.environment is None:
                got = node.version or "none"
                msg = (
                    f"{self._cluster.where}: {node.host} must have acn-eval {version('acn-eval')}"
                )
                raise ConfigError(f"{msg}; got {got}. Install the same version there.")
            self._differs(session.read(node.environment), node.host)
        if not ready.slots:
            what = "a GPU" if self._device.type == "cuda" else "as many cores as threads"
            raise MeasureError(f"{self._cluster.where}: a machine must have {what}; got none")
        session.slots = ready.slots

    def _differs(self, environment: Environment, host: str = "a worker") -> bool:
        """Whether a worker differs from this process, and is taken all the same."""
        found = self._environment.differences(environment)
        if found and not self._choice.allow_mixed:
            msg = (
                f"{self._cluster.where}: {host} must be like this machine; got {', '.join(found)}"
            )
            raise ConfigError(f"{msg}. Or take it with `allow_mixed`.", "allow_mixed")
        self._mixed |= dict.fromkeys(found)
        return bool(found)


@dataclass
class _Sent:
    """A task that is not done.

    Attributes:
        number: of the run.
        name: what messages call it.
        parcel: for another try.
        tries: that are over.
        alike: whether its worker is like this process.
    """

    number: int
    name: str
    parcel: Parcel
    tries: int = 0
    alike: bool = True


class _Session:
    """What is known of a cluster from the start of its process until its end."""

    def __init__(self, process: RayProcess, differs: Callable[[Environment], bool]) -> None:
        self.process, self.slots = process, 0
        self.sent: dict[int, _Sent] = {}
        self._differs = differs
        self._keys = count()  # never used again: answers to cancelled tasks may be under way
        self._packer = Packer(lambda name, content: process.send(Part(name, content)))
        self._unpacker = Unpacker(lambda name: b"")

    def read(self, content: bytes) -> Any:
        """Return what a worker said."""
        return self._unpacker.unpack(content)

    def send(self, number: int, task: Task) -> None:
        """Send a task, with the rules of this process."""
        parcel = self._packer.pack(Job(task, rules(), os.getcwd()))
        self._send(_Sent(number, str(task), parcel))

    def cancel(self) -> None:
        """End all tasks that are not done."""
        if self.sent:
            self.sent.clear()
            with suppress(MeasureError):
                self.process.send(Cancel())

    def answered(self, show: TaskShow) -> Iterator[Yielded]:
        """Wait for an answer, and yield what a task yielded, if it did."""
        answer: Answer = self.process.receive()
        sent = self.sent.get(answer.key)
        if sent is None:
            return
        if answer.lost:
            msg = f"{sent.name}: must end; {_TRIES} workers were lost over it, and the last"
            self._again(answer.key, MeasureError(f"{msg}: {answer.lost}"))
        elif not answer.content:
            del self.sent[answer.key]
        else:
            yield from self._said(answer.key, self.read(answer.content), show)

    def _said(self, key: int, said: Any, show: TaskShow) -> Iterator[Yielded]:
        sent = self.sent[key]
        match said:
            case Environment():
                sent.alike = not self._differs(said)
            case Shown():
                show(sent.number, *said)
            case Found():
                yield Yielded(sent.number, said.item, sent.alike)
            case Failed(OSError() as error):  # a share that comes back
                self._again(key, error)
            case Failed(error):
                raise error

    def _again(self, key: int, error: BaseException) -> None:
        """Send a task once more; raise an error where that was done often enough."""
        sent = self.sent.pop(key)
        if sent.tries + 1 == _TRIES:
            raise error
        self._send(replace(sent, tries=sent.tries + 1))

    def _send(self, sent: _Sent) -> None:
        key = next(self._keys)
        self.process.send(Send(key, *sent.parcel))
        self.sent[key] = sent
