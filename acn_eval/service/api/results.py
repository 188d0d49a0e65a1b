"""Stored results and comparisons over HTTP."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Path, Query, Request

from acn_eval.service.access.guards import needs
from acn_eval.service.answers import ComparisonAnswer, ResultAnswer
from acn_eval.service.api.problems import PROBLEMS, Problem
from acn_eval.service.api.state import Here
from acn_eval.service.stored import NoResult, compared, stored_result

__all__ = ["ROUTER"]

ROUTER = APIRouter(
    prefix="/v1", tags=["results"], responses=PROBLEMS, dependencies=[Depends(needs("read"))]
)
_KEY = r"^[0-9a-f]{16}$"
_Kind = TypeVar("_Kind")


@ROUTER.get("/results/{key}")
async def result(
    key: Annotated[str, Path(pattern=_KEY)], service: Here, request: Request
) -> ResultAnswer:
    """Show a stored result: what was measured, and the mean under every condition."""
    found = await _in_turn(request, partial(stored_result, service, key))
    return ResultAnswer(
        key=found.key,
        suite=str(found.suite["name"]),
        name=found.checkpoint.name,
        sha256=found.checkpoint.sha256,
        data=f"{found.data.name} {found.data.split}",
        test_set=found.data.fingerprint,
        n=found.data.n,
        seed=found.seed,
        precision=found.precision,
        created=datetime.fromtimestamp(found.created_ms / 1000, UTC),
        cells=tuple(found.records()),
        warnings=found.warnings,
    )


@ROUTER.get("/compare")
async def compare(
    candidate: Annotated[str, Query(pattern=_KEY)],
    baseline: Annotated[str, Query(pattern=_KEY)],
    service: Here,
    request: Request,
) -> ComparisonAnswer:
    """Compare two stored results by their keys, example by example; nothing is measured."""
    found = await _in_turn(request, partial(compared, service, candidate, baseline))
    return ComparisonAnswer(
        candidate=candidate,
        baseline=baseline,
        verdict=found.claim.verdict,
        sentence=found.answer,
        comparison=found.to_dict(),
    )


async def _in_turn(request: Request, find: Callable[[], _Kind]) -> _Kind:
    """Read or compute in one of few threads: such requests must not slow all others down."""
    limiter: CapacityLimiter = request.app.state.readers
    try:
        return await run_sync(find, limiter=limiter)
    except NoResult as exc:
        raise Problem(HTTPStatus.NOT_FOUND, str(exc)) from exc
