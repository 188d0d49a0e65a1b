"""Runs one attack in a forked child, and judges how it ended."""

import os
import pkgutil
import re
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Collection
from dataclasses import dataclass
from importlib import import_module
from math import inf
from pathlib import Path
from resource import struct_rusage
from typing import Any

import psutil

import acn_eval.cli
from acn_eval.cli.main import main
from acn_eval.errors import AcnEvalError

_LINE = re.compile(r"acn-eval: [^\n]+\n")
_LONGEST = 4096
for _module in pkgutil.iter_modules(acn_eval.cli.__path__, "acn_eval.cli."):
    import_module(_module.name)  # so that no child has to


@dataclass(frozen=True)
class Ending:
    """How a child ended.

    Attributes:
        code: exit code; None if it was killed after its time, negative if a signal killed it.
        out, err: what it wrote.
        seconds: wall time.
        busy: seconds of a processor, which a loaded machine does not stretch.
        bytes: largest resident size, beyond what it was forked with.
    """

    code: int | None
    out: str
    err: str
    seconds: float
    busy: float
    bytes: int

    def faults(
        self,
        codes: Collection[int] = (0, 2),
        *,
        seconds: float = 20.0,
        busy: float = inf,
        size: int = 2 << 30,
    ) -> list[str]:
        """Say what is wrong: nothing may be but a fine end, or one line with the right code."""
        found = {
            f"exit {self.code}, not one of {codes}": self.code not in codes,
            "a traceback": "Traceback" in self.err,
            "not one line": self.code != 0 and not _LINE.fullmatch(self.err),
            "a long line": len(self.err) > _LONGEST,
            f"{self.seconds:.1f} s": self.seconds > seconds,
            f"{self.busy:.1f} s of a processor": self.busy > busy,
            f"{self.bytes >> 20} MiB": self.bytes > size,
        }
        return [fault for fault, there in found.items() if there]


def attack(work: Callable[[], Any], limit: float = 20.0) -> Ending:
    """Do some work in a child that has everything imported; it is killed after so many seconds.

    An `AcnEvalError` ends as the command line ends it, in one line and its exit code; whatever
    else is raised ends in a traceback and exit 4.
    """
    with tempfile.TemporaryDirectory() as folder:
        said = {name: Path(folder, name) for name in ("out", "err", "size")}
        for path in said.values():
            path.touch()
        start = time.perf_counter()
        pid = os.fork()
        if pid == 0:
            _child(work, said)
        code, used = _waited(pid, start + limit)
        out, err, size = (path.read_text(errors="replace") for path in said.values())
        seconds, peak = time.perf_counter() - start, used.ru_maxrss << 10
        busy = used.ru_utime + used.ru_stime
        return Ending(code, out, err, seconds, busy, peak - int(size or peak))


def command(*arguments: object, limit: float = 20.0) -> Ending:
    """Call the command line in a child."""
    return attack(lambda: main([str(a) for a in arguments]), limit)


def _child(work: Callable[[], Any], said: dict[str, Path]) -> None:
    code = 4
    try:
        said["size"].write_text(str(psutil.Process().memory_info().rss))
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(said[name], os.O_WRONLY), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w", errors="backslashreplace")
        if "torch" in sys.modules:  # its pool of threads did not survive the fork
            sys.modules["torch"].set_num_threads(1)
        code = _ended(work)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _ended(work: Callable[[], Any]) -> int:
    try:
        work()
    except AcnEvalError as exc:
        sys.stderr.write(f"acn-eval: {exc}\n")
        return exc.exit_code
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else 4
    except BaseException:  # noqa: BLE001  (what is judged)
        traceback.print_exc()
        return 4
    return 0


def _waited(pid: int, end: float) -> tuple[int | None, struct_rusage]:
    """Return the exit code, or None where it had to be killed, and what it used."""
    while time.perf_counter() < end:
        done, status, used = os.wait4(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status), used
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    _, _, used = os.wait4(pid, 0)
    return None, used
