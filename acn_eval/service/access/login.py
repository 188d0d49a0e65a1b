"""Browsers log in: a form takes a token once, and a cookie stands for it until evening."""

import re
from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse

from acn_eval.service.access.guards import note_failure
from acn_eval.service.access.shield import COOKIE
from acn_eval.service.access.tokens import Tokens
from acn_eval.service.service import Service

__all__ = ["LOGIN", "log_in", "log_out"]

LOGIN = "/login"
"""Where the form is, and where it is sent to."""
_BYTES = 4096
_OWN = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")  # a path here; `//lab/` were another host


async def log_in(request: Request) -> RedirectResponse:
    """Take a form with `token`, and perhaps `next`, a path of this service that is shown then.

    A wrong token leads back to the form, as ``/login?failed=1``.

    Raises:
        HTTPException: the form is too large, or this address has sent many wrong tokens.
        TrackingError: the database does not answer.
    """
    service: Service = request.app.state.service
    fields = parse_qs((await _body(request)).decode(errors="replace"))
    token, following = (fields.get(name, [""])[0].strip() for name in ("token", "next"))
    cookie = await run_in_threadpool(Tokens(service.database).begin_session, token)
    if cookie is None:
        failed = await run_in_threadpool(note_failure, request)
        if failed.status_code != HTTPStatus.UNAUTHORIZED:
            raise failed
        return RedirectResponse(f"{LOGIN}?failed=1", HTTPStatus.SEE_OTHER)
    place = following if _OWN.fullmatch(following) else "/"
    answer = RedirectResponse(place, HTTPStatus.SEE_OTHER)
    secure = "https" in {request.url.scheme, service.url.partition(":")[0]}
    answer.set_cookie(COOKIE, cookie, secure=secure, httponly=True, samesite="strict")
    return answer


async def log_out(request: Request) -> RedirectResponse:
    """End the session of a browser.

    Raises:
        TrackingError: the database does not answer.
    """
    service: Service = request.app.state.service
    cookie = request.cookies.get(COOKIE, "")
    await run_in_threadpool(Tokens(service.database).end_session, cookie)
    answer = RedirectResponse(LOGIN, HTTPStatus.SEE_OTHER)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


async def _body(request: Request) -> bytes:
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > _BYTES:
            line = f"the form: must have at most {_BYTES} bytes; got more"
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, line)
    return content
