"""What a job leaves: its report, and its verdict with every rule."""

from http import HTTPStatus

from fastapi import APIRouter, Depends, Response
from fastapi.responses import HTMLResponse

from acn_eval.service.access.guards import needs
from acn_eval.service.api.jobs import Found
from acn_eval.service.api.problems import PROBLEMS, Problem
from acn_eval.service.api.state import Here
from acn_eval.service.service import Service

__all__ = ["ROUTER"]

ROUTER = APIRouter(
    prefix="/v1/jobs/{number}",
    tags=["jobs"],
    responses=PROBLEMS,
    dependencies=[Depends(needs("read"))],
)
_ALONE = {
    # The report holds names of others: it may show itself, and do nothing.
    "Content-Security-Policy": (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
        " frame-ancestors 'self'"
    ),
    "X-Frame-Options": "SAMEORIGIN",
}


@ROUTER.get("/report", response_class=HTMLResponse)
def report(job: Found, service: Here) -> Response:
    """Return the report of a job that is done: one page of HTML, which needs nothing else."""
    return HTMLResponse(_document(service, job.id, "report.html"), headers=_ALONE)


@ROUTER.get("/verdict", responses={200: {"content": {"application/json": {}}}})
def verdict(job: Found, service: Here) -> Response:
    """Return the verdict of a gate's job with all of its rules, as the command line writes it."""
    content = _document(service, job.id, "verdict.json")
    return Response(content, media_type="application/json")


def _document(service: Service, number: int, name: str) -> bytes:
    content = service.jobs.document(number, name)
    if content is None:
        line = f"job {number}: must have left {name}; it has none, or none yet"
        raise Problem(HTTPStatus.NOT_FOUND, line)
    return content
