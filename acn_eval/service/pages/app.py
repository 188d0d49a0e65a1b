"""The application that answers with pages, beside the API."""

from http import HTTPStatus
from importlib.resources import files
from urllib.parse import urlencode

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse
from starlette.routing import Match
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from acn_eval.config_files import cut
from acn_eval.errors import AcnEvalError, TrackingError
from acn_eval.service.access.login import LOGIN
from acn_eval.service.access.outage import outage
from acn_eval.service.pages.render import Renderer
from acn_eval.service.pages.routes import ROUTER

__all__ = ["add_pages"]

_BUG = "The service met a bug; its log has the lines to report."


def add_pages(app: FastAPI) -> None:
    """Let an app answer with pages what is no address of its API.

    What only looks like one, or is not asked for by a browser, stays the app's to refuse. The
    pages share its state: the service, `readiness`, whose parts the page of health shows, and
    `readers`, which limits how many requests read whole results at once.
    """
    shown, unknown = _pages(app), app.router.default

    async def rest(scope: Scope, receive: Receive, send: Send) -> None:
        browser = "text/html" in Headers(scope=scope).get("accept", "")
        known = any(route.matches(scope)[0] is not Match.NONE for route in shown.routes)
        page = known or (browser and not scope["path"].startswith("/v1/"))
        await (shown if page else unknown)(scope, receive, send)

    app.router.default = rest


def _pages(api: FastAPI) -> FastAPI:
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.state = api.state
    app.state.renderer = Renderer()
    app.mount("/static", StaticFiles(directory=str(files(__package__) / "static")))
    app.include_router(ROUTER)
    for kind in (AcnEvalError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, _failed)
    return app


def _failed(request: Request, error: Exception) -> Response:
    status, said = _explained(error)
    root = request.scope.get("root_path", "")
    if status == HTTPStatus.UNAUTHORIZED and request.method == "GET":
        back = urlencode({"next": request.url.path})
        return RedirectResponse(f"{root}{LOGIN}?{back}", HTTPStatus.SEE_OTHER)
    facts = {"status": status, "phrase": HTTPStatus(status).phrase, "line": said}
    renderer: Renderer = request.app.state.renderer
    answer = renderer.page(request, "error", facts, status)
    answer.headers.update(getattr(error, "headers", None) or {})
    return answer


def _explained(error: Exception) -> tuple[int, str]:
    match error:
        case RequestValidationError():
            found = error.errors()[0]
            line = f"`{found['loc'][-1]}`: {found['msg']}; got {cut(found['input'])}"
            return HTTPStatus.UNPROCESSABLE_ENTITY, str(AcnEvalError(line))
        case HTTPException(status_code=status, detail=detail):
            return status, detail
        case TrackingError():
            return HTTPStatus.SERVICE_UNAVAILABLE, outage(error)
        case AcnEvalError():
            return HTTPStatus.NOT_FOUND, str(error)
    return HTTPStatus.INTERNAL_SERVER_ERROR, _BUG
