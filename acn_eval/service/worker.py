"""A worker: claims a job, lets a process of its own do it, and writes down how it ended."""

import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from acn_eval.engine.choice import EngineChoice
from acn_eval.errors import TrackingError
from acn_eval.service.access.sources import Sources
from acn_eval.service.attending import STEP, Beats, Presence, attend
from acn_eval.service.jobs import LEASE
from acn_eval.service.outcomes import Outcome, crash, failed, outcome
from acn_eval.service.process import Child, passed_on
from acn_eval.service.records import Claim, LeaseLost
from acn_eval.service.requests import Check
from acn_eval.service.scratch import scratch
from acn_eval.service.service import Service
from acn_eval.service.workers import Workers

__all__ = ["Worker"]

_IDLE = 0.5  # seconds between two looks at a queue that is empty
_LONGEST = 15.0  # seconds between two attempts to reach a database that is away
_ENDS = 5.0  # seconds that a process may take to end once it has answered

T = TypeVar("T")


@dataclass
class Worker:
    """One worker; it does one job at a time.

    Attributes:
        service: whose jobs.
        name: different from those of all other workers.
        say: takes one line about each job.
        grace: seconds that a job may go on after the worker was asked to stop.
        warm: whether a process that has imported torch waits for the next job, from the first
            job on that measures something.
        environment: of the processes.
        lease: seconds for which a job is the worker's without a sign of life.
        engine: where jobs are computed.
    """

    service: Service
    name: str
    say: Callable[[str], None]
    grace: float = 30.0
    warm: bool = True
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    lease: float = LEASE
    engine: EngineChoice = field(default_factory=EngineChoice)
    _stops: int = 0
    _leave: float = float("inf")
    _spare: Child | None = None
    _place: Path = Path()
    _presence: Presence = field(init=False)

    def __post_init__(self) -> None:
        self._presence = Presence(Workers(self.service.database), self.name)

    def run(self) -> None:
        """Work until SIGTERM or SIGINT; a second one ends the job as well.

        Raises:
            OSError: the folder of the service cannot be written.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        (self.service.home / "logs").mkdir(mode=0o700, parents=True, exist_ok=True)
        with scratch(self.service.home / "work") as self._place:
            try:
                self._work()
            finally:
                self._drop_spare()
                self._presence.leave()

    def _work(self) -> None:
        claim = partial(self.service.jobs.claim, self.name, lease=self.lease)
        while not self._stops:
            claimed = self._insisting(claim, lambda: self._stops > 0)
            if claimed is None:
                self._presence.tell(time.monotonic())
                self._wait(_IDLE)
            else:
                self._do(claimed)

    def _do(self, claim: Claim) -> None:
        real, began = not isinstance(claim.request, Check), time.monotonic()
        try:
            child = self._child(claim)
        except OSError as exc:  # such as a full disk, or too many processes
            said = self._settle(failed(self.service.jobs, claim, f"no process: {exc}"))
        else:
            with closing(child):
                said = self._settle(self._attended(claim, child))
        self.say(f"job {claim.id}, {time.monotonic() - began:.1f} s: {said}")
        if real and self.warm and not self._stops and self._spare is None:
            with suppress(OSError):  # the next job does without
                self._spare = self._started(warm=True)

    def _attended(self, claim: Claim, child: Child) -> Outcome:
        log = Path("logs") / f"job-{claim.id}.log"
        child.give(self._job(claim, child), self.service.home / log)
        beats = Beats(self.service.jobs, claim, self.lease, self._presence)
        ended = attend(child, beats, self.service.settings.job_seconds, self._must_leave)
        code = child.end(_ENDS if ended.how in {"answered", "died"} else 0.0)
        died = crash(code, child.last_line, str(log))
        return outcome(self.service.jobs, claim, ended, child.folder, died)

    def _job(self, claim: Claim, child: Child) -> dict[str, Any]:
        request = claim.request.model_dump(mode="json")
        if isinstance(claim.request, Check):
            return {"check": request}
        return {
            "request": request,
            "store": self.service.store.uri,
            "results": str((self.service.home / "results").absolute()),
            "folder": str(child.folder),
            "engine": asdict(self.engine),
            "sources": asdict(Sources.of(self.service.settings, self.service.store)),
        }

    def _settle(self, ended: Outcome) -> str:
        """Write down how a job ended, also where the database is away; return it in words."""
        said, write = ended
        try:
            self._insisting(write, self._must_leave)
        except LeaseLost as exc:
            return f"dropped ({exc})"
        return said

    def _child(self, claim: Claim) -> Child:
        """Return a process for a job: the one that waits, if it still does and is needed."""
        if isinstance(claim.request, Check):
            return self._started(warm=False)
        spare, self._spare = self._spare, None
        if spare is not None and not spare.alive:
            spare.close()
            spare = None
        return spare or self._started(warm=False)

    def _started(self, *, warm: bool) -> Child:
        environment = passed_on(self.environment, self.service.store.uri)
        return Child(environment, self._place, warm=warm)

    def _drop_spare(self) -> None:
        if self._spare is not None:
            self._spare.close()

    def _insisting(self, ask: Callable[[], T], leave: Callable[[], bool]) -> T | None:
        """Ask the database until it answers; None if the worker must leave before."""
        pause = _IDLE
        while True:
            try:
                return ask()
            except TrackingError as exc:
                if pause == _IDLE:
                    self.say(f"waiting: {exc}")
            if leave():
                return None
            self._wait(pause)
            pause = min(2 * pause, _LONGEST)

    def _wait(self, seconds: float) -> None:
        """Sleep, in steps after which a signal is noticed."""
        end, stops = time.monotonic() + seconds, self._stops
        while self._stops == stops and (left := end - time.monotonic()) > 0:
            time.sleep(min(STEP, left))

    def _must_leave(self) -> bool:
        return time.monotonic() >= self._leave

    def _stop(self, number: int, frame: object) -> None:
        grace = 0.0 if self._stops else self.grace
        self._stops += 1
        self._leave = time.monotonic() + grace
