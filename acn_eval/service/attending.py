"""Attends the process of a job until it answers, or must be stopped."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from acn_eval.errors import TrackingError
from acn_eval.service.jobs import Jobs
from acn_eval.service.process import Child
from acn_eval.service.records import Claim, LeaseLost
from acn_eval.service.workers import Workers

__all__ = ["STEP", "Beats", "Ended", "Presence", "attend"]

STEP = 0.2
"""Seconds in which a signal is noticed."""
_REPORT = 1.0  # seconds between two reports of progress
_LOOK = 3.0  # seconds in which it is noticed that a job was cancelled
_PRESENT = 10.0  # seconds between two signs of life of a worker
_LONGEST = 15.0  # seconds between two attempts to reach a database that is away


@dataclass(frozen=True)
class Ended:
    """How the process of a job ended.

    Attributes:
        how: it answered, it died, it took too long, the job was cancelled, the worker leaves the
            job, or another worker took it.
        answer: its last message.
    """

    how: Literal["answered", "died", "late", "cancelled", "left", "lost"]
    answer: Mapping[str, Any] | None = None


@dataclass
class Presence:
    """Tells the database now and then that a worker is there, and what it does."""

    workers: Workers
    name: str
    _job: int | None = None
    _next: float = 0.0  # when it is told at the latest

    def tell(self, now: float, job: int | None = None) -> None:
        """Tell it if it is time, or if the worker has done something else for a while."""
        changed = job != self._job and now >= self._next - _PRESENT + _REPORT
        if now < self._next and not changed:
            return
        self._next = now + _PRESENT
        with suppress(TrackingError):  # the claims and beats say that it is away
            self.workers.beat(self.name, job)
            self._job = job

    def leave(self) -> None:
        """Tell it that the worker ends."""
        with suppress(TrackingError):
            self.workers.leave(self.name)


@dataclass
class Beats:
    """Renews the lease of a job and reports its progress, also where the database is away."""

    jobs: Jobs
    claim: Claim
    lease: float
    presence: Presence
    progress: tuple[int, int] | None = None
    _report: float = 0.0  # no report earlier
    _renew: float = 0.0  # no renewal later
    _pause: float = _REPORT

    def beat(self, now: float) -> bool:
        """Tell the database what it must know now; return whether to go on.

        Raises:
            LeaseLost: another worker has the job.
        """
        self.presence.tell(now, self.claim.id)
        if now < self._renew and (self.progress is None or now < self._report):
            return True
        try:
            wanted = self.jobs.beat(self.claim, self.progress, lease=self.lease)
        except TrackingError:  # the process goes on, and another worker perhaps begins
            self._report = self._renew = now + self._pause
            self._pause = min(2 * self._pause, _LONGEST)
            return True
        self.progress, self._pause = None, _REPORT
        self._report, self._renew = now + _REPORT, now + min(_LOOK, self.lease / 4)
        return wanted


def attend(child: Child, beats: Beats, seconds: float, leave: Callable[[], bool]) -> Ended:
    """Hear a process that has its job until it ends; it may run on.

    Args:
        child: the process.
        beats: of its job.
        seconds: that it may take.
        leave: whether the worker must go.
    """
    end = time.monotonic() + seconds
    while True:
        messages = _heard(child)
        if messages is None:
            return Ended("died")
        for message in messages:
            if "progress" not in message:
                return Ended("answered", message)
            beats.progress = tuple(message["progress"])
        now = time.monotonic()
        if now > end:
            return Ended("late")
        if leave():
            return Ended("left")
        if stopped := _stopped(beats, now):
            return stopped


def _heard(child: Child) -> list[dict[str, Any]] | None:
    try:
        return child.hear(STEP)
    except ValueError as exc:
        said = f"the process of the job: must report in short lines of JSON; {exc}"
        return [{"error": said, "name": "ValueError", "code": 4}]


def _stopped(beats: Beats, now: float) -> Ended | None:
    try:
        return None if beats.beat(now) else Ended("cancelled")
    except LeaseLost:
        return Ended("lost")
