"""Jobs over HTTP: submit, list, show, cancel, retry."""

from http import HTTPStatus
from math import inf
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Header, Query, Response

from acn_eval.errors import ConfigError
from acn_eval.service.access import acts
from acn_eval.service.access.guards import Principal, needs
from acn_eval.service.answers import JobAnswer, JobsAnswer
from acn_eval.service.api.problems import PROBLEMS, Problem
from acn_eval.service.api.state import Before, Here, Limit, Number
from acn_eval.service.idempotency import require_same_request
from acn_eval.service.records import Job, State
from acn_eval.service.requests import Request, content_key
from acn_eval.service.service import Service

__all__ = ["ROUTER", "Found", "found"]

ROUTER = APIRouter(prefix="/v1/jobs", tags=["jobs"], responses=PROBLEMS)
_LARGEST = 2**31 - 1
_RETRIED = "failed, refused or cancelled"
Submitter = Annotated[Principal, Depends(needs("submit"))]
Reader = Depends(needs("read"))


def found(number: Number, service: Here) -> Job:
    """Return the job of an address.

    Raises:
        Problem: there is none.
    """
    try:
        return service.jobs.job(number)
    except ConfigError as exc:
        raise Problem(HTTPStatus.NOT_FOUND, str(exc)) from exc


Found = Annotated[Job, Depends(found)]


@ROUTER.post(
    "",
    status_code=HTTPStatus.ACCEPTED,
    responses={200: {"model": JobAnswer, "description": "The job of an equal one that waits."}},
)
def submit(
    body: Annotated[Request, Body()],
    response: Response,
    service: Here,
    who: Submitter,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
) -> JobAnswer:
    """Queue a job; an equal request, whoever sends it, is answered with the one that waits.

    Sent again with its `Idempotency-Key`, it is answered with its job, however far that is.
    """
    since, key = inf, content_key(body)
    if idempotency_key:
        since = require_same_request(service.database, who.name, idempotency_key, key)
    _require_room(service)
    job, new = acts.submit(service, who, body, since=since)
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    response.status_code = HTTPStatus.ACCEPTED if new else HTTPStatus.OK
    return JobAnswer.model_validate(job)


@ROUTER.get("", dependencies=[Reader])
def jobs(
    service: Here,
    state: Annotated[list[State] | None, Query(max_length=6)] = None,
    model: Annotated[str | None, Query(max_length=300, pattern=r"^[^\x00]*$")] = None,
    version: Annotated[int | None, Query(ge=1, le=_LARGEST)] = None,
    before: Before = None,
    limit: Limit = 50,
) -> JobsAnswer:
    """List jobs, the latest first; `before` is the `next` of the page before."""
    rows = service.jobs.page(
        states=state or (), model=model, version=version, before=before, limit=limit + 1
    )
    following = rows[limit - 1].id if len(rows) > limit else None
    return JobsAnswer(items=tuple(map(JobAnswer.model_validate, rows[:limit])), next=following)


@ROUTER.get("/{number}", dependencies=[Reader])
def job(job: Found) -> JobAnswer:
    """Show a job."""
    return JobAnswer.model_validate(job)


@ROUTER.delete("/{number}")
def cancel(job: Found, service: Here, who: Submitter) -> JobAnswer:
    """Cancel a job: at once if it waits, soon if it runs; one that has ended stays as it is."""
    return JobAnswer.model_validate(acts.cancel(service, who, job.id))


@ROUTER.post("/{number}/retry", status_code=HTTPStatus.ACCEPTED)
def retry(job: Found, service: Here, who: Submitter) -> JobAnswer:
    """Queue a job once more that failed, was refused or cancelled."""
    if job.state not in {"failed", "refused", "cancelled"}:
        line = f"job {job.id}: must be {_RETRIED} to be retried; got {job.state}"
        raise Problem(HTTPStatus.CONFLICT, line)
    _require_room(service)
    return JobAnswer.model_validate(acts.retry(service, who, job.id))


def _require_room(service: Service) -> None:
    waiting, most = service.jobs.counts().get("queued", 0), service.settings.queue
    if waiting >= most:
        line = f"queue: must hold fewer than {most:,} jobs; got {waiting:,}. Try again later."
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, line, {"Retry-After": "60"})
