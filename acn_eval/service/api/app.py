"""The app: routes, limits and errors around one service."""

from importlib.metadata import version

from fastapi import FastAPI

from acn_eval.service.access.shield import Shield, allowed_hosts
from acn_eval.service.api import events, health, jobs
from acn_eval.service.api.problems import answer_problems
from acn_eval.service.service import Service

__all__ = ["create_app"]


def create_app(service: Service) -> FastAPI:
    """Return the app of a service."""
    app = FastAPI(
        title="acn-eval",
        version=version("acn-eval"),
        docs_url=None,  # their scripts come from other hosts
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service = service
    app.state.streams = 0
    app.add_middleware(Shield, hosts=allowed_hosts(service.settings, service.url))
    answer_problems(app)
    for module in (jobs, events, health):
        app.include_router(module.ROUTER)
    return app
