"""Tasks for engines; each says where it ran."""

import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from acn_eval.engine.parcel import SentOnce
from acn_eval.errors import AcnEvalError, MissingExtra
from acn_eval.reach import allowed


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def silent(task, more, kept=0):
    pass


def by_task(found):
    items = {}
    for number, item, alike in found:
        assert alike
        items.setdefault(number, []).append(item)
    return items


@dataclass(frozen=True)
class Counting:
    """Yields some numbers, after the process that it runs in."""

    count: int

    def __call__(self, show):
        yield os.getpid()
        for k in range(self.count):
            show(k, k)
            yield k


@dataclass(frozen=True)
class Table(SentOnce):
    content: bytes


@dataclass(frozen=True)
class Reading:
    """Yields the id of what tasks share, in the worker."""

    table: Table

    def __call__(self, show):
        yield os.getpid(), id(self.table), len(self.table.content)


@dataclass(frozen=True)
class Failing:
    error: BaseException

    def __call__(self, show):
        yield 1
        raise self.error


class Odd(AcnEvalError):
    """Cannot be pickled: it needs two arguments."""

    def __init__(self, first, second):
        super().__init__(f"{first} and {second}")


@dataclass(frozen=True)
class FailingOddly:
    def __call__(self, show):
        raise Odd("one", "two")
        yield


@dataclass(frozen=True)
class Missing:
    def __call__(self, show):
        raise MissingExtra("timm:vit", "timm")
        yield


@dataclass(frozen=True)
class Waiting:
    """Says in a folder that it has begun, and waits for a file there."""

    folder: Path
    name: str

    def __call__(self, show):
        (self.folder / f"{self.name}-{os.getpid()}").touch()
        yield os.getpid()
        while not (self.folder / "go").exists():
            time.sleep(0.01)
        yield self.name


@dataclass(frozen=True)
class Dying:
    """Kills its process as often as is asked for; then it yields."""

    folder: Path
    times: int

    def __call__(self, show):
        yield "first"
        lives = len(list(self.folder.glob("died-*")))
        if lives < self.times:
            (self.folder / f"died-{os.getpid()}").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        yield "second"

    def __str__(self):
        return "a task that dies"


@dataclass(frozen=True)
class DyingAsParent:
    """Forks a process that outlives it, and kills its own, once."""

    folder: Path

    def __call__(self, show):
        with suppress(FileExistsError):
            (self.folder / "died").touch(exist_ok=False)
            if os.fork() == 0:
                os.setsid()
                wait_for((self.folder / "go").exists)
                os._exit(0)
            os.kill(os.getpid(), signal.SIGKILL)
        yield "second"


@dataclass(frozen=True)
class Opening:
    name: str

    def __call__(self, show):
        yield allowed("data", self.name)


@dataclass(frozen=True)
class Looking:
    """Yields where its process looks for modules."""

    def __call__(self, show):
        yield [os.getcwd(), *sys.path]


@dataclass(frozen=True)
class Upper:
    """A rule that a worker must hold, too."""

    def __call__(self, kind, name):
        return name.upper()
