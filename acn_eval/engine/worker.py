"""The process of a worker: it does tasks one by one, and ends with the process that started it."""

import os
import pickle
import shutil
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from threading import Condition, Thread
from typing import Any

import cloudpickle

from acn_eval import reach
from acn_eval.allocation import keep_freed_memory
from acn_eval.engine.parcel import Unpacker
from acn_eval.engine.protocol import Show
from acn_eval.errors import AcnEvalError
from acn_eval.lazy import uncollected

__all__ = ["main", "portable", "seldom"]

_LOOK = 1.0  # seconds between two looks at whether the process that started this one lives
_PAUSE = 0.1  # seconds between two reports of progress


def main() -> None:
    """Do the tasks that come over the socket whose descriptor is the first argument."""
    keep_freed_memory()
    descriptor = int(sys.argv[1])
    os.set_inheritable(descriptor, False)  # who started this waits for its end
    connection = Connection(descriptor)
    os.register_at_fork(after_in_child=connection.close)  # nor may what a task forks hold it
    folder, content = connection.recv()
    _Desk(connection, Path(folder)).work(content)


class _Desk:
    """The tasks before a worker, and what it has to say.

    Messages are read and written by threads of their own, so that neither a long task here nor a
    busy process there makes the other wait.
    """

    def __init__(self, connection: Connection, folder: Path) -> None:
        self._connection, self._folder = connection, folder
        self._unpacker = Unpacker(lambda name: (folder / name).read_bytes())
        self._out = SimpleQueue[bytes]()
        self._tasks, self._more = deque[tuple[int, bytes]](), Condition()
        Thread(target=self._read, daemon=True).start()

    def work(self, terms: bytes) -> None:
        """Do tasks until this process is killed."""
        device, rules = self._unpacker.unpack(terms)
        self._connection.send(("ready", _environment(device)))
        Thread(target=self._write, daemon=True).start()
        with ExitStack() as stack:
            for rule in rules:
                stack.enter_context(reach.confined(rule))
            while True:
                self._do(*self._next())

    def _do(self, number: int, content: bytes) -> None:
        show = seldom(partial(self._say, "show", number))
        try:
            for item in self._unpacker.unpack(content)(show):
                self._say("yielded", number, item)
            self._say("ended")
        except BaseException as exc:  # noqa: BLE001  (the top of a process)
            self._say("failed", portable(exc))

    def _next(self) -> tuple[int, bytes]:
        with self._more:
            self._more.wait_for(lambda: self._tasks)
            return self._tasks.popleft()

    def _say(self, *message: Any) -> None:
        self._out.put(cloudpickle.dumps(message))

    def _write(self) -> None:
        while True:
            self._connection.send_bytes(self._out.get())

    def _read(self) -> None:
        parent = os.getppid()
        with suppress(EOFError, OSError):
            while os.getppid() == parent:  # what it forked may hold the connection
                if self._connection.poll(_LOOK):
                    self._take(*self._connection.recv())
        shutil.rmtree(self._folder, ignore_errors=True)
        os.killpg(0, signal.SIGKILL)

    def _take(self, number: int, content: bytes | None) -> None:
        """Put a task before the worker; without content, give it back if it has not begun."""
        with self._more:
            if content is not None:
                self._tasks.append((number, content))
                self._more.notify()
            elif self._tasks and self._tasks[-1][0] == number:
                self._tasks.pop()
                self._say("back", number)


def _environment(device: str) -> Any:
    with uncollected():
        torch = import_module("torch")
        own = import_module("acn_eval.engine.environment").Environment
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    return own.here(torch.device(device))


def seldom(say: Callable[[int, int], None]) -> Show:
    """Return what says how far a task is ten times a second at most, and whenever more is kept."""
    said = 0.0, 0

    def show(more: int, kept: int = 0) -> None:
        nonlocal said
        now = time.monotonic()
        if now - said[0] > _PAUSE or kept != said[1]:
            said = now, kept
            say(more, kept)

    return show


def portable(error: BaseException) -> BaseException:
    """Return an error as another process can raise it; that of a bug keeps its traceback."""
    lines = "".join(traceback.format_exception(error))
    if not isinstance(error, AcnEvalError):
        error.add_note(f"In a worker:\n{lines}")
    try:
        same = cloudpickle.loads(cloudpickle.dumps(error))
    except (pickle.PicklingError, TypeError, AttributeError, ValueError):
        return RuntimeError(lines)
    return error if type(same) is type(error) else RuntimeError(lines)
