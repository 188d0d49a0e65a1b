"""The suites and gates that requests may name, with the JSON Schema of their files."""

import json
import subprocess
import sys
from functools import cache, partial
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request
from fastapi import Path as InPath

from acn_eval.config_files import read_yaml, tag_of
from acn_eval.errors import MeasureError
from acn_eval.gate import gate_schema
from acn_eval.service.access.guards import needs
from acn_eval.service.answers import SuiteAnswer, SuitesAnswer, SuiteSummaryAnswer
from acn_eval.service.api.problems import PROBLEMS, Problem
from acn_eval.service.api.state import Here
from acn_eval.service.service import Service
from acn_eval.shipped import shipped

__all__ = ["ROUTER"]

ROUTER = APIRouter(
    prefix="/v1/suites", tags=["suites"], responses=PROBLEMS, dependencies=[Depends(needs("read"))]
)
_SECONDS = 120.0
_GATE = "gate"


@ROUTER.get("")
def suites(service: Here) -> SuitesAnswer:
    """List the suites and gates that a request may name."""
    items = (_summary(name, _content(path)) for name, path in _files(service).items())
    return SuitesAnswer(items=tuple(items))


@ROUTER.get("/{name:path}")
async def suite(
    name: Annotated[str, InPath(max_length=1000)], service: Here, request: Request
) -> SuiteAnswer:
    """Show what a suite or gate asks, and the JSON Schema of such a file."""
    return await run_sync(partial(_suite, service, name), limiter=request.app.state.readers)


def _suite(service: Service, name: str) -> SuiteAnswer:
    path = _files(service).get(name)
    if path is None:
        line = f"{name}: must be a suite or gate that this service lists; there is none"
        raise Problem(HTTPStatus.NOT_FOUND, line)
    content = _content(path)
    schema = gate_schema() if tag_of(content) == _GATE else suite_schema()
    said = _summary(name, content)
    return SuiteAnswer(**said.model_dump(), content=content, json_schema=schema)


def _files(service: Service) -> dict[str, Path]:
    """Return the files by the names that requests give: shipped ones, and the service's own."""
    found = {file.stem: file for file in sorted(shipped("suites").glob("*.yaml"))}
    return found | {name: Path(name) for name in service.settings.suites}


def _content(path: Path) -> dict[str, Any]:
    fields = read_yaml(path, "a suite")
    return fields if isinstance(fields, dict) else {}


def _summary(name: str, content: dict[str, Any]) -> SuiteSummaryAnswer:
    kind, text = str(tag_of(content)), str(content.get("description", ""))
    return SuiteSummaryAnswer(name=name, kind=kind, description=text)


@cache
def suite_schema() -> dict[str, Any]:
    """Return the schema of all suites from a process of its own: making it imports torch.

    Raises:
        MeasureError: that process fails.
    """
    command = [sys.executable, "-m", "acn_eval", "schema"]
    try:
        done = subprocess.run(command, capture_output=True, check=True, timeout=_SECONDS)
        schema: dict[str, Any] = json.loads(done.stdout)
    except (subprocess.SubprocessError, ValueError) as exc:
        raise MeasureError("the schema of suites: must be printed by acn-eval schema") from exc
    return schema
