"""What is known about jobs: plain records."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from acn_eval.errors import AcnEvalError
from acn_eval.service.requests import Check, Evaluate, Judge, content_key

__all__ = ["FINAL", "Claim", "Event", "Job", "LeaseLost", "State", "Target"]

State = Literal["queued", "running", "done", "failed", "refused", "cancelled"]
FINAL = ("done", "failed", "refused", "cancelled")


class LeaseLost(AcnEvalError):
    """Another worker has the job, or it was cancelled: what this one measures does not count."""

    exit_code = 4


@dataclass(frozen=True)
class Target:
    """The version of a registered model that a job is about, and the profile that asked."""

    profile: str
    model: str
    version: int
    created_ms: int  # models may be deleted, and their numbers begin again
    against: str = ""  # a baseline, where the version is judged once more as the first has changed

    @property
    def key(self) -> str:
        """What all jobs about it share: they are one."""
        return content_key(Check(), *map(str, vars(self).values()))


@dataclass(frozen=True)
class Claim:
    """A job that a worker holds."""

    id: int
    owner: str
    attempt: int
    request: Check | Evaluate | Judge


@dataclass(frozen=True)
class Event:
    """Something that happened to a job; numbers count up over all jobs."""

    id: int
    job: int
    at: float
    kind: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Job:
    """A job as it stands; times are seconds since 1970, and None where it has not happened."""

    id: int
    key: str
    state: State
    request: Check | Evaluate | Judge
    submitted_by: str
    priority: int
    created: float
    started: float | None
    finished: float | None
    owner: str | None
    attempt: int
    failures: int
    cancelled: bool
    done: int
    total: int
    result: Mapping[str, Any] | None
    error: str | None
    profile: str | None
    model: str | None
    version: int | None
    verdict: str | None
    test_set: str | None
    asked: int | None
    mirrored: str | None
