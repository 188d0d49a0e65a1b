"""Webhooks of MLflow: a signed one lets the registry be read at once."""

import time
from http import HTTPStatus

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from acn_eval.service.answers import HookAnswer
from acn_eval.service.api.problems import PROBLEMS, Problem
from acn_eval.service.hooks import HookRefused

__all__ = ["ROUTER"]

ROUTER = APIRouter(prefix="/v1/hooks", tags=["hooks"], responses=PROBLEMS)
_BODY = {"content": {"application/json": {"schema": {"type": "object"}}}, "required": True}


@ROUTER.post("/mlflow", status_code=HTTPStatus.ACCEPTED, openapi_extra={"requestBody": _BODY})
async def mlflow(request: Request) -> HookAnswer:
    """Take a webhook; its signature takes the place of a token."""
    state = request.app.state
    body = await request.body()
    try:
        result = await run_in_threadpool(state.hooks.receive, request.headers, body, time.time())
    except HookRefused as exc:
        raise Problem(HTTPStatus(exc.status), str(exc)) from exc
    if result == "accepted" and state.watcher is not None:
        state.watcher.nudge()
    return HookAnswer(result=result)
