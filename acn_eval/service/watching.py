"""Watches a model registry: every version that a profile matches gets a job, and its verdict back.

Nothing is remembered but the jobs: each look compares all versions with all jobs, so that what
appeared while nobody looked is found by the next look.
"""

import os
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any

from acn_eval.errors import DAMAGED, AcnEvalError
from acn_eval.service.arriving import Arrival, submit_many, submitted, waiting
from acn_eval.service.baselines import Lineage
from acn_eval.service.lock import Lock, LockLost
from acn_eval.service.mirroring import mirror, take_back
from acn_eval.service.reconsidering import about, once_more, refused, unanswered
from acn_eval.service.records import Job
from acn_eval.service.registered import Model, Registered, model_of, pages, reached
from acn_eval.service.requests import Judge
from acn_eval.service.service import Service
from acn_eval.service.settings import Profile

__all__ = ["Watcher", "poll"]

_LEASE = 20.0  # seconds, after which another server looks in place of one that died
_LONGEST_PAUSE = 300.0  # seconds, while a registry does not answer
_MIRRORED = 50  # jobs between two looks
_ERRORS: tuple[type[Exception], ...] = (AcnEvalError, *DAMAGED)  # no answer may end the watch


def poll(service: Service, lock: Lock) -> bool:
    """Submit a job for every version that has none, and show what became of the others.

    Args:
        service: whose registry.
        lock: of the watcher; nothing is done while another process holds it.

    Returns:
        Whether there is more to show, so that the next look should follow at once.

    Raises:
        LockLost: another process took the lock.
        TrackingError: the registry or the database does not answer.
    """
    if not lock.take():
        return False
    try:
        with reached(service.store) as client:
            look = _Look(service, client, _versions(client, service, lock))
            take_back(service, look.held, lock)
            room = service.settings.queue - waiting(service.database)
            submit_many(islice(look.arrivals(), max(room, 0)), lock)
            return mirror(service, client, lock, most=_MIRRORED) == _MIRRORED
    finally:
        lock.release()


def _versions(client: Any, service: Service, lock: Lock) -> list[Registered]:
    held: list[Registered] = []
    for page in pages(client, service.store):
        held += page
        if not lock.take():
            raise LockLost(f"{service.url}: must watch alone; another server watches")
    return held


@dataclass(frozen=True)
class _Look:
    """All versions at one moment, and what is asked of the registry about their models."""

    service: Service
    client: Any
    held: list[Registered]
    _models: dict[str, Model | None] = field(default_factory=dict)

    def arrivals(self) -> Iterator[Arrival]:
        """Yield what is to be judged, the earliest version first."""
        known = submitted(self.service.database)
        ready = [version for version in self.held if version.ready]
        for profile in self.service.settings.profiles:
            matching = [v for v in ready if fnmatchcase(v.model, profile.models)]
            lineages = _Lineages(self, profile)
            for version in matching:
                target = version.target(profile.name)
                if target.key not in known and (lineage := lineages.of(version.model)):
                    request = lineage.request(version)
                    yield Arrival(request, target, profile.priority, profile.spend_alpha)
            yield from lineages.reconsidered(known)

    def model(self, name: str) -> Model | None:
        """Return a model, which is asked for once."""
        if name not in self._models:
            self._models[name] = model_of(self.client, name)
        return self._models[name]


class _Lineages:
    """The models of a look as a profile sees them."""

    def __init__(self, look: _Look, profile: Profile) -> None:
        self._look, self._profile = look, profile
        self._held = {(v.model, v.version): v for v in look.held if v.ready}
        self._numbers: dict[str, list[int]] = defaultdict(list)
        for model, number in self._held:
            self._numbers[model].append(number)
        self._refused: dict[str, set[int]] = defaultdict(set)
        for job in refused(look.service.database, profile):
            if version := self._about(job):
                self._refused[version.model].add(version.version)

    def of(self, name: str) -> Lineage | None:
        model = self._look.model(name)
        if model is None:
            return None
        return Lineage(self._profile, model, self._numbers[name], self._refused[name])

    def reconsidered(self, known: set[str]) -> Iterator[Arrival]:
        """Yield what was not judged for want of a baseline that is there now."""
        for job in unanswered(self._look.service.database, self._profile):
            version = self._about(job)
            if version is None:
                continue
            lineage = self.of(version.model)
            baseline = lineage and lineage.fixed(version)
            asked = job.request.baseline if isinstance(job.request, Judge) else None
            if baseline and baseline not in (asked, version.address):
                again = once_more(job, version, baseline, self._profile)
                if again.target.key not in known:
                    yield again

    def _about(self, job: Job) -> Registered | None:
        version = self._held.get((str(job.model), job.version or 0))
        return version if version and about(job, version) else None


class Watcher:
    """A thread that looks every `poll_seconds`, and at once where it is nudged.

    Attributes:
        failure: the line that the last look ended with; None if it went well.
        looked: whether a look has gone well.
    """

    def __init__(self, service: Service) -> None:
        self.failure: str | None = None
        self.looked = False
        self._service = service
        owner = f"{socket.gethostname()}:{os.getpid()}"
        self._lock = Lock(service.database, "watcher", owner, _LEASE)
        self._wake, self._stopped = threading.Event(), threading.Event()
        self._last = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    @property
    def lag(self) -> float:
        """Seconds since the last look that went well, or since the watcher was made."""
        return time.monotonic() - self._last

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def nudge(self) -> None:
        """Look at once: something may be new."""
        self._wake.set()

    def stop(self, seconds: float = 10.0) -> None:
        """Look no more."""
        self._stopped.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        pause = self._service.settings.poll_seconds
        while not self._stopped.is_set():
            self._wake.clear()
            more = False
            try:
                more = poll(self._service, self._lock)
                self._last, self.looked, self.failure = time.monotonic(), True, None
                pause = self._service.settings.poll_seconds
            except _ERRORS as exc:
                self.failure = str(exc) or type(exc).__name__
                pause = min(pause * 2, max(_LONGEST_PAUSE, self._service.settings.poll_seconds))
            if not more:
                self._wake.wait(pause)
