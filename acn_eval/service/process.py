"""The worker's side of the process of a job: started, given its job, heard, and stopped."""

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from acn_eval.foreign_text import plain, shown

__all__ = ["Child", "Log", "passed_on"]

_LINE = 1 << 22  # bytes of one message
_READ = 1 << 16
_LOG = 1 << 20
_SECRETS = ("ACN_EVAL_DATABASE", "ACN_EVAL_TOKEN", "ACN_EVAL_WEBHOOK_SECRET")
_ENDS = 10.0  # seconds that a killed process may take to end


class Log:
    """A log of limited size, without control characters and secrets."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._last = self._part = b""

    @property
    def last_line(self) -> str:
        """The last line, also where the log was full before it."""
        return _shown(self._last)

    def write(self, content: bytes) -> None:
        """Write the lines that are complete; beyond the limit they are dropped."""
        *lines, self._part = (self._part + content).split(b"\n")
        if len(self._part) > _READ:
            lines, self._part = [*lines, self._part], b""
        said = [line for line in lines if line.strip()]
        if not said:
            return
        self._last = said[-1]
        if self._file is not None:
            with suppress(OSError), self._file.open("a", encoding="utf-8") as file:
                for line in said:
                    if file.tell() >= _LOG:
                        break
                    file.write(f"{_shown(line)}\n")

    def close(self) -> None:
        """Write the last line, which had no end."""
        self.write(b"\n")


def _shown(line: bytes) -> str:
    return plain(shown(line.decode(errors="replace")))


def passed_on(environment: Mapping[str, str], store: str) -> dict[str, str]:
    """Return what the process of a job may know: no secret that the service alone needs.

    Args:
        environment: of the worker.
        store: address of MLflow's store; in PostgreSQL it is opened with libpq's own variables.
    """
    alone = _SECRETS if store.startswith("postgresql") else (*_SECRETS, "PG")
    return {name: value for name, value in environment.items() if not name.startswith(alone)}


class Child:
    """One process for one job, in a process group of its own.

    Args:
        environment: of the process, see `passed_on`.
        place: folder in which it gets one of its own, for its temporary files.
        warm: import torch and the rest before there is a job.

    Attributes:
        folder: its own, which is removed with it.
    """

    def __init__(self, environment: Mapping[str, str], place: Path, *, warm: bool) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="job-", dir=place))
        self._log = Log()
        self._part = b""
        self._heard, pipe = os.pipe()
        command = [sys.executable, "-P", "-m", "acn_eval.service.child", str(pipe)]
        try:
            self._process = subprocess.Popen(
                [*command, *(["warm"] * warm)],
                cwd=self.folder,
                env={**environment, "TMPDIR": str(self.folder)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[pipe],
                start_new_session=True,
            )
        finally:
            os.close(pipe)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._heard, selectors.EVENT_READ)
        self._selector.register(self._output, selectors.EVENT_READ)

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def give(self, job: Mapping[str, Any], log: Path) -> None:
        """Give it its job; what it prints goes to the log."""
        self._log = Log(log)
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):  # it has died, which `hear` says
                self._process.stdin.write(json.dumps(job).encode() + b"\n")
                self._process.stdin.flush()

    def hear(self, seconds: float) -> list[dict[str, Any]] | None:
        """Return what it reports within so many seconds; None once it reports no more.

        Raises:
            ValueError: a message is no JSON, or too long.
        """
        messages: list[dict[str, Any]] = []
        for key, _ in self._selector.select(seconds):
            content = os.read(key.fd, _READ)
            if key.fd != self._heard:
                self._print(content)
                continue
            if not content:
                return None
            *lines, self._part = (self._part + content).split(b"\n")
            if len(self._part) > _LINE:
                raise ValueError(f"its message has more than {_LINE:,} bytes")
            messages += map(json.loads, lines)
        return messages

    def end(self, seconds: float = 0.0) -> int:
        """Kill it and all that it started, unless it ends within some seconds; return its code."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        code = self._process.wait(_ENDS)
        self._drain()
        return code

    def close(self) -> None:
        """Kill it, and remove its folder."""
        self.end()
        self._log.close()
        self._selector.close()
        os.close(self._heard)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def last_line(self) -> str:
        """The last line that it printed, such as that of a traceback."""
        return self._log.last_line

    @property
    def _output(self) -> int:
        if self._process.stdout is None:
            raise AssertionError("the process was started with a pipe")
        return self._process.stdout.fileno()

    def _print(self, content: bytes) -> None:
        self._log.write(content)
        if not content:
            self._selector.unregister(self._output)

    def _drain(self) -> None:
        """Read what it printed last; a process of its own that was not killed may print on."""
        until = time.monotonic() + 1.0
        os.set_blocking(self._output, False)
        with suppress(BlockingIOError):
            while (content := os.read(self._output, _READ)) and time.monotonic() < until:
                self._log.write(content)
