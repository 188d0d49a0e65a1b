"""Runs a service: its server, its watcher and its workers, until it is told to end."""

import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from logging.handlers import RotatingFileHandler
from pathlib import Path

import uvicorn

from acn_eval.errors import ConfigError, MeasureError, TrackingError
from acn_eval.foreign_text import plain
from acn_eval.service.access.audit import Audit
from acn_eval.service.access.shield import require_safe_binding
from acn_eval.service.api import create_app
from acn_eval.service.connections import Connection
from acn_eval.service.crew import Crew
from acn_eval.service.profiles import require_profiles
from acn_eval.service.service import Service
from acn_eval.service.watching import Watcher
from acn_eval.stores.store import quiet_environment

__all__ = ["Plan", "serve"]

_LOOK = 0.2  # seconds between two looks at the workers
_FOR_JOBS, _FOR_WORKERS = 0.6, 0.85  # of the time in which all must end; the rest is the server's
_PRUNE = 3600.0  # seconds
_BACKLOG = 128  # connections that are taken at once, before any of them can be ended
_LOG, _LOGS = 5_000_000, 3  # bytes and files


@dataclass(frozen=True)
class Plan:
    """How a service is served.

    Attributes:
        host, port: where it listens; port 0 takes one that is free.
        workers: how many processes take jobs here.
        grace: seconds in which everything ends.
        config: the file of the service's settings, for the workers.
        engine, engine_workers: where jobs are computed, see `acn-eval worker`.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    grace: float = 30.0
    config: Path | None = None
    engine: str | None = None
    engine_workers: int | None = None


def serve(service: Service, plan: Plan, say: Callable[[str], None], stop: threading.Event) -> None:
    """Serve until `stop` is set; then end the watcher, the workers and the server, in this order.

    Args:
        service: its address, where it has none, becomes the one that is listened on.
        plan: how.
        say: takes each line for the person who started it.
        stop: set by a handler of signals, for example.

    Raises:
        ConfigError: the port is taken, others may reach the service without a token, or a profile
            can never give a verdict.
        MeasureError: the server ended by itself.
        OSError: the folder of the service cannot be written.
        TrackingError: the database does not answer.
    """
    _import_mlflow()
    require_profiles(service.settings, service.store)
    require_safe_binding(plan.host, service.database, service.settings)
    if service.store.database:
        with service.store.lock():
            service.store.client()  # makes a file that is not there yet
    with _logged(service.home), _listening(plan) as listening:
        here = f"http://{_name_of(plan.host)}:{listening.getsockname()[1]}"
        service = replace(service, url=service.url or here)
        watcher = Watcher(service)
        server = _Server(service, watcher, listening, plan.grace)
        crew = Crew(_command(service, plan), _environment(service), plan.workers, say)
        try:
            server.start()
            watcher.start()
            say(f"the page: {service.url}")
            _tend(service, server, watcher, crew, say, stop)
            say(f"ending: running jobs have {plan.grace * _FOR_JOBS:g} s, and are then put back")
            crew.drain(plan.grace * _FOR_WORKERS)
        finally:
            crew.kill()
            watcher.stop()
            server.stop()


def _import_mlflow() -> None:
    """Import it before there are threads: two that import it at once leave it half imported."""
    quiet_environment()
    from mlflow import MlflowClient  # noqa: F401


def _tend(
    service: Service,
    server: "_Server",
    watcher: Watcher,
    crew: Crew,
    say: Callable[[str], None],
    stop: threading.Event,
) -> None:
    """Look after the workers, and say what is wrong, once each, until the end is asked for."""
    said: str | None = None
    pruned = float("-inf")
    while not stop.wait(_LOOK):
        if not server.alive:
            raise MeasureError(f"{service.url}: must be served until it is stopped; it ended")
        now = time.monotonic()
        crew.look(now)
        if watcher.failure != said:
            said = watcher.failure
            say(f"the watch waits: {said}" if said else "the watch goes on")
        if now - pruned >= _PRUNE:
            pruned = now
            _prune(service, say)


def _prune(service: Service, say: Callable[[str], None]) -> None:
    try:
        service.jobs.prune(service.settings.keep_days)
        Audit(service.database).prune()
    except TrackingError as exc:  # the next hour will do
        say(f"nothing was pruned: {exc}")


class _Server:
    """The HTTP server, in a thread: the main one hears signals and looks after workers."""

    def __init__(
        self, service: Service, watcher: Watcher, listening: socket.socket, grace: float
    ) -> None:
        config = uvicorn.Config(
            create_app(service, watcher),
            http=Connection,
            backlog=_BACKLOG,
            proxy_headers=False,  # anyone on this machine could pass for somebody else
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=max(int(grace * (1 - _FOR_WORKERS)), 1),
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listening]}, daemon=True
        )

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()
        while self.alive and not self._server.started:
            time.sleep(0.01)

    def stop(self) -> None:
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join()


@contextmanager
def _listening(plan: Plan) -> Iterator[socket.socket]:
    """Yield a socket that listens, so that whoever comes early waits instead of being refused."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            plan.host, plan.port, type=socket.SOCK_STREAM
        )[0]
    except OSError as exc:
        msg = f"`host`: must be a name of this machine; got {plan.host}"
        raise ConfigError(msg, "host") from exc
    with socket.socket(family, kind, protocol) as own:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            own.bind(address)
            own.listen()
        except OSError as exc:
            msg = f"`port`: must be free on {plan.host}; got {plan.port}, {exc.strerror}."
            raise ConfigError(f"{msg} Try `port` 0.", "port") from exc
        yield own


def _name_of(host: str) -> str:
    """Return the name of a host in an address; one that means all is this machine's name."""
    named = socket.gethostname() if host in {"0.0.0.0", "::"} else host
    return f"[{named}]" if ":" in named else named


def _command(service: Service, plan: Plan) -> list[str]:
    given = {
        "home": service.home,
        "grace": plan.grace * _FOR_JOBS,
        "config": plan.config,
        "engine": plan.engine,
        "engine-workers": plan.engine_workers,
    }
    options = [f"--{name}={value}" for name, value in given.items() if value is not None]
    return [sys.executable, "-P", "-m", "acn_eval", "worker", *options]


def _environment(service: Service) -> dict[str, str]:
    """Addresses hold passwords, and a command line is read by every user of the machine."""
    database = service.database.engine.url.render_as_string(hide_password=False)
    own = {"ACN_EVAL_DATABASE": database, "MLFLOW_TRACKING_URI": service.store.uri}
    return {**os.environ, **own}


@contextmanager
def _logged(home: Path) -> Iterator[None]:
    """Keep what the server logs, such as the lines of a bug, in files of limited size."""
    (home / "logs").mkdir(mode=0o700, parents=True, exist_ok=True)
    file = home / "logs" / "server.log"
    handler = RotatingFileHandler(file, maxBytes=_LOG, backupCount=_LOGS, encoding="utf-8")
    handler.setFormatter(_Plain("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("uvicorn")
    logger.addHandler(handler)
    logger.propagate = False  # the terminal gets lines that are for a person
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()


class _Plain(logging.Formatter):
    """Renders foreign text in every line."""

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(map(plain, super().format(record).splitlines()))
