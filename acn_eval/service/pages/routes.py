"""The addresses of the pages, and who may see them and press their buttons."""

from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from acn_eval.errors import ConfigError
from acn_eval.service.access import acts
from acn_eval.service.access.guards import Principal, needs
from acn_eval.service.access.login import LOGIN, log_in, log_out
from acn_eval.service.pages import comparing, health, job, models, queue
from acn_eval.service.pages.render import Renderer
from acn_eval.service.records import Job, State
from acn_eval.service.service import Service
from acn_eval.service.stored import compared

__all__ = ["ROUTER"]

ROUTER = APIRouter(default_response_class=Response)
_LARGEST = 2**31 - 1  # of a column of numbers
# A report is made here, but of foreign names: it may not even know where it is shown.
_REPORT_POLICY = (
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'"
)
_NO_NUL = r"^[^\x00]*$"

Number = Annotated[int, Path(ge=1, le=_LARGEST)]
Before = Annotated[int | None, Query(ge=1, le=_LARGEST)]
Text = Annotated[str | None, Query(max_length=300, pattern=_NO_NUL)]
Model = Annotated[str, Path(max_length=300, pattern=_NO_NUL)]
Key = Annotated[str | None, Query(pattern=r"^[0-9a-f]{16}$")]
Submitter = Annotated[Principal, Depends(needs("submit"))]


class View:
    """What a route needs to answer somebody who may read."""

    def __init__(
        self, request: Request, who: Annotated[Principal, Depends(needs("read"))]
    ) -> None:
        self._request, self._who = request, who
        self.service: Service = request.app.state.service

    def show(self, template: str, facts: dict[str, Any]) -> Response:
        """Return a page, which says how long ago things were by the clock of the database."""
        renderer: Renderer = self._request.app.state.renderer
        database = self.service.database
        with database.read() as connection:
            now = database.clock(connection)
        return renderer.page(self._request, template, {"now": now, "who": self._who, **facts})


Seen = Annotated[View, Depends()]


@ROUTER.get("/")
def show_queue(
    view: Seen, state: State | None = None, model: Text = None, before: Before = None
) -> Response:
    """Show what runs, waits and ended, or one page of the jobs of a state and a model."""
    jobs, wanted = view.service.jobs, {"state": state, "model": model}
    if not (state or model or before):
        return view.show("queue", {**wanted, **queue.overview(jobs)})
    found = queue.filtered(jobs, state=state, model=model or None, before=before)
    return view.show("found", {**wanted, **found})


@ROUTER.get("/jobs/{number}")
def show_job(view: Seen, number: Number) -> Response:
    """Show one job."""
    return view.show("job", job.facts(view.service, number))


@ROUTER.get("/jobs/{number}/report")
def show_report(view: Seen, number: Number) -> Response:
    """Show the report of a job, as a document that can do nothing."""
    held = view.service.jobs.document(number, "report.html")
    if held is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"job {number}: has no report")
    headers = {"Content-Security-Policy": _REPORT_POLICY}
    return Response(held, headers=headers, media_type="text/html; charset=utf-8")


@ROUTER.post("/jobs/{number}/cancel")
def cancel(request: Request, view: Seen, number: Number, who: Submitter) -> Response:
    """Cancel a job."""
    return _changed(request, acts.cancel(view.service, who, number))


@ROUTER.post("/jobs/{number}/retry")
def retry(request: Request, view: Seen, number: Number, who: Submitter) -> Response:
    """Queue a job once more."""
    return _changed(request, acts.retry(view.service, who, number))


@ROUTER.get("/models")
def show_models(view: Seen, after: Text = None) -> Response:
    """Show one page of models."""
    return view.show("models", models.listed(view.service, after=after))


@ROUTER.get("/models/{name}")
def show_model(view: Seen, name: Model, before: Before = None) -> Response:
    """Show the versions of a model."""
    return view.show("model", models.facts(view.service, name, before=before))


@ROUTER.get("/compare")
async def show_comparison(
    request: Request, view: Seen, candidate: Key = None, baseline: Key = None
) -> Response:
    """Show two stored results against each other, or a form that asks which."""
    found: dict[str, Any] = {"found": None, "candidate": candidate, "baseline": baseline}
    if candidate and baseline:
        find = partial(compared, view.service, candidate, baseline)
        try:
            found |= comparing.facts(await run_sync(find, limiter=request.app.state.readers))
        except ConfigError as exc:
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, str(exc)) from exc
    return await run_in_threadpool(view.show, "compare", found)


@ROUTER.get("/health")
async def show_health(request: Request, view: Seen) -> Response:
    """Show how the service is, in the words of ``/readyz``."""
    parts = await request.app.state.readiness.parts()
    facts = await run_in_threadpool(health.facts, view.service)
    return await run_in_threadpool(view.show, "health", {"parts": parts, **facts})


@ROUTER.get(LOGIN)
def show_login(request: Request, failed: bool = False, next: Text = None) -> Response:
    """Show the form that takes a token."""
    renderer: Renderer = request.app.state.renderer
    return renderer.page(request, "login", {"failed": failed, "next": next or "/"})


ROUTER.add_api_route(LOGIN, log_in, methods=["POST"], response_model=None)
ROUTER.add_api_route("/logout", log_out, methods=["POST"], response_model=None)


def _changed(request: Request, job: Job) -> Response:
    """Show a job that was changed: to look again does not change it again."""
    address = f"{request.scope.get('root_path', '')}/jobs/{job.id}"
    return RedirectResponse(address, HTTPStatus.SEE_OTHER)
