"""What happens to a job, as server-sent events that a client may take up again."""

from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus
from typing import Annotated

import anyio
from fastapi import APIRouter, Depends, Header, HTTPException, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from acn_eval.errors import AcnEvalError
from acn_eval.service.access.guards import needs
from acn_eval.service.answers import EventAnswer
from acn_eval.service.api.jobs import Found
from acn_eval.service.api.problems import PROBLEMS, Problem
from acn_eval.service.api.state import Here
from acn_eval.service.jobs import Jobs
from acn_eval.service.records import FINAL

__all__ = ["ROUTER"]

ROUTER = APIRouter(tags=["jobs"], responses=PROBLEMS)
_STREAMS = 100  # at once
_LOOK = 0.5  # seconds between two looks into the table
_LONGEST = 600.0  # seconds, after which a client comes again and its token is asked for again
_PAGE = 200


def _place(request: Request) -> Iterator[None]:
    """Hold one of the places of streams while the answer is sent."""
    state = request.app.state
    if state.streams >= _STREAMS:
        line = f"streams: must be at most {_STREAMS} at once. Ask for the job instead."
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, line, {"Retry-After": "10"})
    state.streams += 1
    try:
        yield
    finally:
        state.streams -= 1


def _after(
    job: Found,
    service: Here,
    last_event_id: Annotated[int, Header(ge=0, lt=2**31)] = 0,
) -> int:
    """Return the number of the last event that a client has, unless nothing more can follow."""
    if job.state in FINAL and not service.jobs.events(job.id, after=last_event_id, limit=1):
        raise HTTPException(HTTPStatus.NO_CONTENT)  # browsers would ask again for ever
    return last_event_id


@ROUTER.get(
    "/v1/jobs/{number}/events",
    response_class=EventSourceResponse,
    dependencies=[Depends(needs("read")), Depends(_place)],
    responses={204: {"description": "The job has ended, and the client has all of its events."}},
)
async def events(
    job: Found, service: Here, after: Annotated[int, Depends(_after)]
) -> AsyncIterator[ServerSentEvent]:
    """Stream the events of a job until it ends; `Last-Event-ID` takes a stream up again."""
    with anyio.move_on_after(_LONGEST):
        async for event in _follow(service.jobs, job.id, after):
            yield event


async def _follow(jobs: Jobs, number: int, after: int) -> AsyncIterator[ServerSentEvent]:
    ended = False
    while not ended:
        try:
            state = (await run_in_threadpool(jobs.job, number)).state
            found = await run_in_threadpool(jobs.events, number, after=after, limit=_PAGE)
        except AcnEvalError:  # it was pruned, or the database is away: the client asks again
            return
        for event in found:
            after = event.id
            data = EventAnswer.model_validate(event).model_dump_json()
            yield ServerSentEvent(id=str(event.id), event=event.kind, raw_data=data)
        # It may have been retried since its state was read, which the last event tells.
        last = found[-1].data.get("state") if found else state
        ended = last in FINAL and len(found) < _PAGE
        if not (ended or found):
            await anyio.sleep(_LOOK)
