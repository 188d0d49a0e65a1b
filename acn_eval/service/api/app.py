"""The app: routes, limits and errors around one service."""

import os
from importlib.metadata import version
from typing import Any

from anyio import CapacityLimiter
from fastapi import FastAPI

from acn_eval.service.access.shield import Shield, allowed_hosts
from acn_eval.service.api import (
    audit,
    documents,
    events,
    health,
    hooks,
    jobs,
    metrics,
    models,
    results,
    suites,
)
from acn_eval.service.api.limits import Limits
from acn_eval.service.api.problems import answer_problems, describe_problems
from acn_eval.service.api.state import Watched
from acn_eval.service.hooks import SECRET, Hooks
from acn_eval.service.pages.app import add_pages
from acn_eval.service.service import Service

__all__ = ["create_app"]

_ROUTES = (jobs, events, documents, results, models, suites, hooks, audit, health, metrics)
_READERS = 2  # requests at once that read whole results


class _App(FastAPI):
    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            describe_problems(super().openapi())
        return super().openapi()


def create_app(service: Service, watcher: Watched | None = None) -> FastAPI:
    """Return the app of a service, and of the watcher that runs beside it."""
    app = _App(
        title="acn-eval",
        version=version("acn-eval"),
        docs_url=None,  # their scripts come from other hosts
        redoc_url=None,
        redirect_slashes=False,
    )
    app.openapi_version = "3.2.0"  # the first that describes streams of events
    app.state.service, app.state.watcher = service, watcher
    app.state.readiness = health.Readiness(service, watcher)
    app.state.hooks = Hooks(service.database, os.environ.get(SECRET))
    app.state.streams, app.state.readers = 0, CapacityLimiter(_READERS)
    app.add_middleware(Limits, per_minute=service.settings.requests_per_minute)
    app.add_middleware(Shield, hosts=allowed_hosts(service.settings, service.url))
    answer_problems(app)
    for module in _ROUTES:
        app.include_router(module.ROUTER)
    add_pages(app)
    return app
