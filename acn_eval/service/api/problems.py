"""Errors as problem+json (RFC 9457), in the one line that the command line would print."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from acn_eval.config_files import cut, reason
from acn_eval.errors import AcnEvalError, MeasureError, TrackingError
from acn_eval.service import requests
from acn_eval.service.access.outage import outage
from acn_eval.service.answers import ProblemAnswer
from acn_eval.service.records import LeaseLost

__all__ = ["PROBLEMS", "Problem", "answer_problems", "describe_problems", "problem"]

_TYPE = "application/problem+json"
_REFERENCE = "#/components/schemas/ProblemAnswer"
_STATUS: Mapping[type[AcnEvalError], HTTPStatus] = {
    LeaseLost: HTTPStatus.CONFLICT,
    MeasureError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
_AGAIN = {"Retry-After": "10"}  # seconds
_BUG = "the service met a bug; its log has the lines to report."
PROBLEMS: dict[int | str, dict[str, Any]] = {
    "default": {"model": ProblemAnswer, "description": "A problem, after RFC 9457."}
}
"""The errors of every route, for OpenAPI."""


class Problem(AcnEvalError):
    """An error with a status of its own."""

    def __init__(
        self, status: HTTPStatus, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers or {}


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the answer for an error: its status, and one line."""
    said = ProblemAnswer(title=HTTPStatus(status).phrase, status=status, detail=detail)
    return JSONResponse(said.model_dump(), status, headers=dict(headers or {}), media_type=_TYPE)


def describe_problems(description: dict[str, Any]) -> None:
    """Say in an OpenAPI description how errors look, where FastAPI describes its own."""
    for methods in description["paths"].values():
        for route in methods.values():
            answers = route["responses"]
            answers.pop("422", None)
            if "default" in answers:
                answers["default"]["content"] = {_TYPE: {"schema": {"$ref": _REFERENCE}}}
    for name in ("HTTPValidationError", "ValidationError"):
        description["components"]["schemas"].pop(name, None)


def answer_problems(app: FastAPI) -> None:
    """Let an app answer every error as a problem."""
    app.add_exception_handler(AcnEvalError, _of_ours)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(Exception, _of_a_bug)


def _of_ours(request: Request, exc: Exception) -> Response:
    if isinstance(exc, Problem):
        return problem(exc.status, str(exc), exc.headers)
    if isinstance(exc, TrackingError):
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, outage(exc), _AGAIN)
    found = (status for kind, status in _STATUS.items() if isinstance(exc, kind))
    return problem(next(found, HTTPStatus.UNPROCESSABLE_ENTITY), str(exc))


def _of_validation(request: Request, exc: Exception) -> Response:
    if not isinstance(exc, RequestValidationError):
        raise TypeError(type(exc))
    error, *_ = exc.errors()
    place, *parts = error["loc"]
    if error["type"] == "json_invalid":
        line = f"the body: must be JSON; {error['ctx']['error']}"
    elif place == "body":
        errors = [{**each, "loc": each["loc"][1:]} for each in exc.errors()]
        line = reason(errors, requests.Request, "a request", exc.body, "the body")
    else:
        where = ".".join(map(str, parts))
        line = f"`{where}`: {error['msg']}; got {cut(error['input'])}"
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(AcnEvalError(line)))


def _of_http(request: Request, exc: Exception) -> Response:
    if not isinstance(exc, HTTPException):
        raise TypeError(type(exc))
    if exc.status_code < HTTPStatus.BAD_REQUEST:
        return Response(status_code=exc.status_code, headers=exc.headers)
    path, said = request.url.path, exc.detail
    if exc.status_code == HTTPStatus.NOT_FOUND and said == HTTPStatus.NOT_FOUND.phrase:
        said = f"{path}: must be an address of this service; see /openapi.json"
    elif exc.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (exc.headers or {}).get("Allow", "another method")
        said = f"{path}: must be asked with {allowed}; got {request.method}"
    return problem(exc.status_code, str(AcnEvalError(said)), exc.headers)


def _of_a_bug(request: Request, exc: Exception) -> Response:
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, _BUG)
