"""What the service knows about registered models: the jobs of their versions, and verdicts."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from sqlalchemy import func, select

from acn_eval.service import tables as t
from acn_eval.service.access.guards import needs
from acn_eval.service.answers import (
    AskedAnswer,
    JobAnswer,
    JobsAnswer,
    ModelAnswer,
    ModelsAnswer,
    VersionAnswer,
)
from acn_eval.service.api.problems import PROBLEMS, Problem
from acn_eval.service.api.state import Before, Here, Limit, Model, Number
from acn_eval.service.asked import advice, times_asked

__all__ = ["ROUTER"]

ROUTER = APIRouter(
    prefix="/v1/models", tags=["models"], responses=PROBLEMS, dependencies=[Depends(needs("read"))]
)
_JOBS = 200  # of one version: a profile asks once


@ROUTER.get("")
def models(
    service: Here,
    after: Annotated[str, Query(max_length=300, pattern=r"^[^\x00]*$")] = "",
    limit: Limit = 50,
) -> ModelsAnswer:
    """List the models that jobs are about, by name; `after` is the `next` of the page before."""
    versions = func.count(t.job.c.version.distinct())
    asked = (
        select(t.job.c.model, versions, func.max(t.job.c.version), func.count(t.job.c.verdict))
        .where(t.job.c.model > after)
        .group_by(t.job.c.model)
        .order_by(t.job.c.model)
        .limit(limit + 1)
    )
    with service.database.read() as connection:
        rows = connection.execute(asked).all()
    names = ("name", "versions", "latest", "verdicts")
    items = tuple(ModelAnswer(**dict(zip(names, row, strict=True))) for row in rows[:limit])
    return ModelsAnswer(items=items, next=items[-1].name if len(rows) > limit else None)


@ROUTER.get("/{name}")
def model(name: Model, service: Here, before: Before = None, limit: Limit = 50) -> JobsAnswer:
    """Show the jobs of a model's versions, the latest first: the history of its verdicts."""
    rows = service.jobs.page(model=name, before=before, limit=limit + 1)
    if not rows and before is None:
        line = f"{name}: must be a model that jobs are about; there is none"
        raise Problem(HTTPStatus.NOT_FOUND, line)
    following = rows[limit - 1].id if len(rows) > limit else None
    return JobsAnswer(items=tuple(map(JobAnswer.model_validate, rows[:limit])), next=following)


@ROUTER.get("/{name}/versions/{number}")
def version(name: Model, number: Number, service: Here) -> VersionAnswer:
    """Show the jobs of a version, and how often their test sets have been asked."""
    jobs = service.jobs.page(model=name, version=number, limit=_JOBS)
    if not jobs:
        line = f"{name}, version {number}: must be what a job is about; there is none"
        raise Problem(HTTPStatus.NOT_FOUND, line)
    own, counts = {job.test_set for job in jobs if job.test_set}, times_asked(service.database)
    sets = tuple(
        AskedAnswer(test_set=each, asked=counts[each], advice=advice(counts[each]))
        for each in sorted(own & counts.keys())
    )
    items = tuple(map(JobAnswer.model_validate, jobs))
    return VersionAnswer(model=name, version=number, jobs=items, test_sets=sets)
