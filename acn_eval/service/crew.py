"""The worker processes of a server: started, started again when they die, and sent home."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

__all__ = ["Crew"]

_SHORTEST, _LONGEST = 1.0, 60.0  # seconds between the end of a worker and the start of the next
_STEADY = 60.0  # seconds after which a worker that ends is no sign of a fault
_LOOK = 0.05


@dataclass
class _Place:
    """A place in the crew, and who has it."""

    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    due: float = 0.0  # when the next one starts
    pause: float = _SHORTEST


@dataclass
class Crew:
    """Processes that run one command.

    Each has a session of its own, so that Ctrl-C in a terminal reaches the server alone, and a
    pipe as its standard input, which closes when the server dies, however it dies.

    Attributes:
        command: of one worker.
        environment: of one worker.
        size: how many there are.
        say: takes one line about each that dies.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    size: int
    say: Callable[[str], None]
    _places: list[_Place] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self._places = [_Place() for _ in range(self.size)]

    @property
    def alive(self) -> list[int]:
        """Process ids of those that run."""
        return [own.pid for own in self._processes() if own.poll() is None]

    def look(self, now: float) -> None:
        """Start who is missing; one that dies again and again is waited for longer each time.

        Args:
            now: seconds on a clock that never goes back.
        """
        for place in self._places:
            if place.process is not None and place.process.poll() is not None:
                self._bury(place, place.process, now)
            if place.process is None and now >= place.due:
                place.process, place.started = self._start(), now

    def drain(self, seconds: float) -> None:
        """Ask all to end, and end those that still run after so many seconds."""
        end = time.monotonic() + seconds
        for process in self._processes():
            with suppress(ProcessLookupError):
                process.terminate()
        for process in self._processes():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(end - time.monotonic(), _LOOK))
        self.kill()

    def kill(self) -> None:
        """End all at once, with what they have started in their sessions."""
        for process in self._processes():
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for place in self._places:
            if place.process and place.process.stdin:
                place.process.stdin.close()
            place.process = None

    def _processes(self) -> list[subprocess.Popen[bytes]]:
        return [place.process for place in self._places if place.process is not None]

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.command,
            env=dict(self.environment),
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def _bury(self, place: _Place, process: subprocess.Popen[bytes], now: float) -> None:
        if now - place.started >= _STEADY:
            place.pause = _SHORTEST
        if process.stdin:
            process.stdin.close()
        self.say(
            f"worker {process.pid} ended with exit code {process.returncode}; another one starts "
            f"in {place.pause:g} s"
        )
        place.process, place.due = None, now + place.pause
        place.pause = min(place.pause * 2, _LONGEST)
