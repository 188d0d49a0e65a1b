"""The process of one job: it takes the job from stdin, and reports over a pipe of its own.

It is started by `process` as ``python -m acn_eval.service.child PIPE [warm]``. A check is done
with the standard library alone; all else imports torch, a warm one before there is a job.
"""

import ctypes
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from acn_eval.errors import AcnEvalError
from acn_eval.lazy import uncollected

__all__ = ["Channel", "main"]

_PAUSE = 0.25  # seconds between two reports of progress
_NICE = 10
_PR_SET_PDEATHSIG = 1  # of Linux's prctl.h


@dataclass
class Channel:
    """Writes lines of JSON to the worker; what it writes to stdout is the job's log."""

    pipe: int
    _told: float = 0.0

    def progress(self, done: int, total: int) -> None:
        """Say how much is done of how much, some times a second."""
        now = time.monotonic()
        if done >= total or now - self._told >= _PAUSE:
            self._told = now
            self.tell({"progress": [done, total]})

    def tell(self, message: Mapping[str, Any]) -> None:
        """Write one message."""
        left = memoryview(json.dumps(message).encode() + b"\n")
        while left:
            left = left[os.write(self.pipe, left) :]


def main() -> None:
    """Wait for a job, do it, and report its result or its error."""
    channel = Channel(int(sys.argv[1]))
    os.set_inheritable(channel.pipe, False)  # the worker waits for its end
    _die_with_the_worker()
    os.nice(_NICE)
    if "warm" in sys.argv[2:]:
        _executing().prepare()
    if not (line := sys.stdin.buffer.readline()):
        return
    threading.Thread(target=_watch, daemon=True).start()
    job = json.loads(line)
    try:
        channel.tell(_done(job, channel))
    except AcnEvalError as exc:
        channel.tell({"error": exc.in_options, "name": type(exc).__name__, "code": exc.exit_code})
    except OSError as exc:
        said = f"{exc.filename or 'the disk'}: {exc.strerror or exc}"
        channel.tell({"error": said, "name": "OSError", "code": 4})


def _done(job: Mapping[str, Any], channel: Channel) -> dict[str, Any]:
    if "check" in job:
        return {"result": _check(job["check"], channel), "documents": []}
    result, documents = _executing().execute(job, channel.progress)
    return {"result": result, "documents": documents}


def _executing() -> Any:
    with uncollected():
        return import_module("acn_eval.service.executing")


def _check(request: Mapping[str, Any], channel: Channel) -> dict[str, Any]:
    steps = request["steps"]
    for step in range(steps):
        time.sleep(request["seconds"] / steps)
        channel.progress(step + 1, steps)
    return {"sentence": f"The worker did {steps} step{'s' * (steps > 1)}."}


def _die_with_the_worker() -> None:
    """Ask Linux to kill this process when its worker dies, however busy this one is."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _watch() -> None:
    """Kill this process and those that it started when the worker closes stdin, or dies."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
