"""Whether the process lives, and whether every part of the service can do its work."""

import shutil
import time
from collections.abc import Callable
from http import HTTPStatus

import anyio
from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, Response

from acn_eval.errors import AcnEvalError
from acn_eval.service.answers import HealthAnswer, PartAnswer
from acn_eval.service.api.state import Watched
from acn_eval.service.jobs import LEASE
from acn_eval.service.service import Service
from acn_eval.service.workers import Workers
from acn_eval.stores.server_check import ask_database, ask_file, ask_server

__all__ = ["ROUTER", "Readiness"]

ROUTER = APIRouter(tags=["health"])
_SECONDS = 2.0  # in which every part must answer
_KEPT = 2.0  # seconds: asking often costs the parts nothing
_DISK_BYTES = 256 * 2**20
_POLLS, _SLACK = 3, 60.0  # that may be missed, and seconds for one


class _Unready(AcnEvalError):
    """A part cannot do its work."""


class Readiness:
    """Asks every part of a service at once, and keeps the answers for a moment."""

    def __init__(self, service: Service, watcher: Watched | None = None) -> None:
        self._service, self._watcher = service, watcher
        self._parts: dict[str, PartAnswer] = {}
        self._until = 0.0
        self._lock = anyio.Lock()
        self._threads = anyio.CapacityLimiter(16)  # a part that hangs stops no other request

    async def parts(self) -> dict[str, PartAnswer]:
        """Return whether each part works, and one line about it that names no address."""
        async with self._lock:
            if time.monotonic() >= self._until:
                checks = {
                    "database": self._database,
                    "registry": self._registry,
                    "workers": self._workers,
                    "disk": self._disk,
                    "watcher": self._watching,
                }
                found: dict[str, PartAnswer] = {}
                async with anyio.create_task_group() as group:
                    for name, check in checks.items():
                        group.start_soon(self._ask, found, name, check)
                self._parts = {name: found[name] for name in checks}
                self._until = time.monotonic() + _KEPT
            return self._parts

    async def _ask(
        self, found: dict[str, PartAnswer], name: str, check: Callable[[], str]
    ) -> None:
        found[name] = PartAnswer(ok=False, detail=f"does not answer within {_SECONDS:g} s")
        with anyio.move_on_after(_SECONDS):
            try:
                line = await run_sync(check, abandon_on_cancel=True, limiter=self._threads)
                found[name] = PartAnswer(ok=True, detail=line)
            except _Unready as exc:
                found[name] = PartAnswer(ok=False, detail=str(exc))
            except (AcnEvalError, OSError):
                found[name] = PartAnswer(ok=False, detail="does not answer")

    def _database(self) -> str:
        waiting = self._service.jobs.counts().get("queued", 0)
        return f"answers; {waiting:,} jobs wait"

    def _registry(self) -> str:
        store = self._service.store
        if store.server:
            ask_server(store.uri)
        elif store.database is None:
            ask_database(store.uri)
        elif store.database.is_file():
            ask_file(store.database)
        else:
            raise _Unready("its file is not there")
        return "answers"

    def _workers(self) -> str:
        count = len(Workers(self._service.database).alive(LEASE))
        if not count:
            raise _Unready(f"none was seen for {LEASE:.0f} s; acn-eval worker starts one")
        return f"{count} take jobs"

    def _disk(self) -> str:
        free = shutil.disk_usage(self._service.home).free
        if free < _DISK_BYTES:
            raise _Unready(f"must have {_DISK_BYTES // 2**20} MiB free; got {free // 2**20}")
        return f"{free / 2**30:.1f} GiB are free"

    def _watching(self) -> str:
        if not self._service.settings.profiles or self._watcher is None:
            return "nothing is watched"
        lag, most = self._watcher.lag, _POLLS * self._service.settings.poll_seconds + _SLACK
        if lag > most:
            raise _Unready(f"must look every {most:.0f} s; its last look was {lag:.0f} s ago")
        return f"looked {lag:.0f} s ago"


@ROUTER.get("/healthz")
def healthz() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "ok"}


@ROUTER.get(
    "/readyz", responses={503: {"model": HealthAnswer, "description": "A part does not work."}}
)
async def readyz(request: Request, response: Response) -> HealthAnswer:
    """Say whether every part works: 503 where one does not."""
    parts = await request.app.state.readiness.parts()
    ready = all(part.ok for part in parts.values())
    response.status_code = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
    return HealthAnswer(ready=ready, parts=parts)
