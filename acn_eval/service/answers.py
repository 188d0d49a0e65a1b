"""What the API answers: typed for the server that writes it and the client that reads it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from acn_eval.service.records import State
from acn_eval.service.requests import Request

__all__ = [
    "Answer",
    "AskedAnswer",
    "AuditAnswer",
    "AuditEntryAnswer",
    "ComparisonAnswer",
    "EventAnswer",
    "HealthAnswer",
    "HookAnswer",
    "JobAnswer",
    "JobsAnswer",
    "ModelAnswer",
    "ModelsAnswer",
    "PartAnswer",
    "ProblemAnswer",
    "ResultAnswer",
    "SuiteAnswer",
    "SuiteSummaryAnswer",
    "SuitesAnswer",
    "VersionAnswer",
]

Verdict = Literal["pass", "fail", "no_verdict"]


class Answer(BaseModel, frozen=True):
    """The base: a client reads answers of later servers, which may hold more fields."""

    model_config = ConfigDict(from_attributes=True)


class JobAnswer(Answer, frozen=True):
    """A job as it stands; times are None where it has not happened.

    Attributes:
        id: counts up.
        key: equal requests share it while they wait; the number of the job follows in later ones.
        state: the last four are final, unless someone retries the job.
        attempt: how many workers have taken it.
        failures: of three.
        cancelled: whether someone asked for its end.
        done, total: progress, in units of the job.
        result: what it found; see "A result" in the documentation of the service.
        error: one line: why it ended without a result, or is tried again.
        profile, model, version: what it is about, if the service submitted it itself.
        test_set: fingerprint of the examples that the verdict is about.
        asked: how many verdicts there were about this test set, with this one.
    """

    id: int
    key: str
    state: State
    request: Request
    submitted_by: str
    priority: int
    created: datetime
    started: datetime | None
    finished: datetime | None
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
    verdict: Verdict | None
    test_set: str | None
    asked: int | None


class JobsAnswer(Answer, frozen=True):
    """A page of jobs, the latest first; `next` is the `before` of the next page, or None."""

    items: tuple[JobAnswer, ...]
    next: int | None = None


class EventAnswer(Answer, frozen=True):
    """Something that happened to a job: its state changed, or its progress."""

    id: int
    job: int
    at: datetime
    kind: str
    data: Mapping[str, Any]


class ProblemAnswer(Answer, frozen=True):
    """An error, after RFC 9457; `detail` is the line that the command line would print."""

    type: str = "about:blank"
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str


class PartAnswer(Answer, frozen=True):
    """Whether a part of the service works, and one line about it."""

    ok: bool
    detail: str


class HealthAnswer(Answer, frozen=True):
    """Whether every part works: database, registry, workers, disk and watcher."""

    ready: bool
    parts: Mapping[str, PartAnswer]


class ResultAnswer(Answer, frozen=True):
    """A stored result: one network on one suite.

    Attributes:
        key: of the question, and so of the result.
        name, sha256: of the network.
        test_set: fingerprint of the examples, of which there were `n`.
        cells: for every condition and measure its `n` and mean.
    """

    key: str
    suite: str
    name: str
    sha256: str
    data: str
    test_set: str
    n: int
    seed: int
    precision: str
    created: datetime
    cells: tuple[Mapping[str, Any], ...]
    warnings: tuple[str, ...]


class ComparisonAnswer(Answer, frozen=True):
    """Two stored results against each other; `comparison` is what `acn-eval compare` writes."""

    candidate: str
    baseline: str
    verdict: str
    sentence: str
    comparison: Mapping[str, Any]


class ModelAnswer(Answer, frozen=True):
    """A registered model: how many versions jobs are about, the latest, and its verdicts."""

    name: str
    versions: int
    latest: int
    verdicts: int


class ModelsAnswer(Answer, frozen=True):
    """A page of models; `next` is the `after` of the next page, or None."""

    items: tuple[ModelAnswer, ...]
    next: str | None = None


class AskedAnswer(Answer, frozen=True):
    """How often a test set has been asked for a verdict, and what follows."""

    test_set: str
    asked: int
    advice: str


class VersionAnswer(Answer, frozen=True):
    """A version of a model: its jobs, one for each profile, and their test sets."""

    model: str
    version: int
    jobs: tuple[JobAnswer, ...]
    test_sets: tuple[AskedAnswer, ...]


class SuiteSummaryAnswer(Answer, frozen=True):
    """A suite or gate that requests may name; `kind` is the study, or ``"gate"``."""

    name: str
    kind: str
    description: str


class SuitesAnswer(Answer, frozen=True):
    """All suites and gates."""

    items: tuple[SuiteSummaryAnswer, ...]


class SuiteAnswer(SuiteSummaryAnswer, frozen=True):
    """What a suite or gate asks: its file, and the JSON Schema of such files."""

    content: Mapping[str, Any]
    json_schema: Mapping[str, Any]


class AuditEntryAnswer(Answer, frozen=True):
    """Something that somebody did."""

    id: int
    at: datetime
    who: str
    what: str
    detail: str


class AuditAnswer(Answer, frozen=True):
    """A page of the log of who did what; `next` is the `before` of the next page, or None."""

    items: tuple[AuditEntryAnswer, ...]
    next: int | None = None


class HookAnswer(Answer, frozen=True):
    """What became of a webhook: only an accepted one lets the registry be read."""

    result: Literal["accepted", "replayed", "ignored"]
