"""A real `acn-eval serve`, in a process of its own."""

import os
import re
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import psutil

START = (sys.executable, "-P", "-m", "acn_eval")
_ADDRESS = re.compile(r"the page: (http://\S+)")


class Serving:
    """A server that was started: what it prints, where it is, and how it ends."""

    def __init__(self, folder, *options, **environment):
        self.lines, self._read = [], threading.Condition()
        self.process = subprocess.Popen(
            [*START, "serve", "--port", "0", *map(str, options)],
            cwd=folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._keep, daemon=True)
        self._reader.start()

    def _keep(self):
        for line in self.process.stdout:
            with self._read:
                self.lines.append(line.rstrip("\n"))
                self._read.notify_all()

    @property
    def printed(self):
        return "\n".join(self.lines)

    def says(self, pattern, seconds=60):
        """Wait for a line; return what it matched."""
        end = time.monotonic() + seconds
        with self._read:
            while not (found := re.search(pattern, self.printed)):
                assert self.process.poll() is None, self.printed
                assert self._read.wait(end - time.monotonic()), self.printed
        return found

    @property
    def address(self):
        return self.says(_ADDRESS)[1]

    @property
    def family(self):
        """All processes that it has started, and they."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, seconds=60):
        """Ask it to end, and return its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(seconds)
        self._reader.join(seconds)
        return code

    def close(self):
        self._reader.join(10)
        self.process.stdout.close()


@contextmanager
def serving(folder, *options, **environment):
    """Serve while the body runs; nothing is left behind, however it ends."""
    own = Serving(folder, *options, **environment)
    try:
        yield own
    finally:
        left = own.family if own.process.poll() is None else []
        if own.process.poll() is None:
            own.process.kill()
            own.process.wait()
        for process in left:
            if process.is_running():
                process.kill()
        own.close()


def until(condition, seconds=60):
    """Wait for a condition; return what it found."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found
