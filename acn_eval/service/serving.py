"""Runs a service: its server, its watcher and its workers, until it is told to end."""

import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from acn_eval.errors import ConfigError, MeasureError
from acn_eval.service.access.guards import require_safe_binding
from acn_eval.service.api.app import create_app
from acn_eval.service.crew import Crew
from acn_eval.service.database import Database
from acn_eval.service.service import Service
from acn_eval.service.settings import Settings
from acn_eval.service.watching import Watcher
from acn_eval.stores import TrackingStore, resolve_store, tracking_errors

__all__ = ["Plan", "serve"]

_LOOK = 0.2  # seconds between two looks at the workers
_FOR_WORKERS = 0.8  # of the time in which all must end; the rest is the server's


@dataclass(frozen=True)
class Plan:
    """What is to be served.

    Attributes:
        settings: of the service.
        config: the file that holds them, which workers read as well; None has none.
        home: folder of the database, results and logs, which is made.
        host, port: where it listens; port 0 takes one that is free.
        database: URL; None is a file in `home`.
        tracking_uri: MLflow store, see `resolve_store`.
        workers: how many processes take jobs here.
        grace: seconds in which everything ends.
    """

    settings: Settings
    config: Path | None
    home: Path
    host: str = "127.0.0.1"
    port: int = 8000
    database: str | None = None
    tracking_uri: str | None = None
    workers: int = 1
    grace: float = 30.0


def serve(plan: Plan, say: Callable[[str], None], stop: threading.Event) -> None:
    """Serve until `stop` is set; then end the watcher, the workers and the server, in this order.

    Args:
        plan: what is to be served.
        say: takes each line for the person who started it.
        stop: set by a handler of signals, for example.

    Raises:
        ConfigError: the port is taken, the folder cannot be written, or an address is wrong.
        MeasureError: the server ended by itself.
        TrackingError: a database or MLflow's server does not answer.
    """
    with _listening(plan.host, plan.port) as (listening, port):
        service = _opened(plan, port)
        watcher = Watcher(service)
        server = _Server(service, watcher, listening, plan.grace)
        crew = Crew(_command(plan), _environment(plan, service), plan.workers, say)
        try:
            server.start(say)
            watcher.start()
            for line in _greeting(plan, service):
                say(line)
            while not stop.is_set() and server.alive:
                crew.look(time.monotonic())
                stop.wait(_LOOK)
            if not stop.is_set():
                raise MeasureError(f"{service.url}: must be served until it is stopped; it ended")
            say(f"ending: running jobs have {plan.grace:g} s, and are then put back")
            watcher.stop()
            crew.drain(plan.grace * _FOR_WORKERS)
        finally:
            crew.kill()
            watcher.stop()
            server.stop()


class _Server:
    """The HTTP server, in a thread: the main one hears signals and looks after workers."""

    def __init__(
        self, service: Service, watcher: Watcher, listening: socket.socket, grace: float
    ) -> None:
        config = uvicorn.Config(
            create_app(service, watcher),
            log_config=None,
            access_log=False,
            lifespan="on",
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

    def start(self, say: Callable[[str], None]) -> None:
        self._thread.start()
        while self.alive and not self._server.started:
            time.sleep(0.01)

    def stop(self) -> None:
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join()


@contextmanager
def _listening(host: str, port: int) -> Iterator[tuple[socket.socket, int]]:
    """Yield a socket that listens, and its port: before anything is made, the port is ours."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as exc:
        raise ConfigError(f"`host`: must be a name of this machine; got {host}", "host") from exc
    with socket.socket(family, kind, protocol) as own:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            own.bind(address)
            own.listen()
        except OSError as exc:
            msg = f"`port`: must be free on {host}; got {port}, {exc.strerror}. Try `port` 0."
            raise ConfigError(msg, "port") from exc
        yield own, own.getsockname()[1]


def _opened(plan: Plan, port: int) -> Service:
    _require_writable(plan.home)
    database = Database.at(plan.database or f"sqlite:///{plan.home / 'service.db'}")
    database.migrate()
    require_safe_binding(plan.host, database)
    store = resolve_store(plan.tracking_uri, cwd=Path.cwd())
    with tracking_errors(store), store.lock():
        store.client()  # makes one that is not there yet
    url = plan.settings.url or f"http://{_name_of(plan.host)}:{port}"
    return Service(plan.settings, database, store, plan.home, url.rstrip("/"))


def _require_writable(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True)
        probe = home / f".{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as exc:
        msg = f"`home`: must be a folder that can be written; got {home}, {exc.strerror}"
        raise ConfigError(msg, "home") from exc


def _name_of(host: str) -> str:
    """Return the name of a host in an address; one that means all is this machine's name."""
    named = socket.gethostname() if host in {"0.0.0.0", "::"} else host
    return f"[{named}]" if ":" in named else named


def _command(plan: Plan) -> list[str]:
    given = {"home": plan.home, "grace": plan.grace * _FOR_WORKERS, "config": plan.config}
    options = [f"--{name}={value}" for name, value in given.items() if value is not None]
    return [sys.executable, "-P", "-m", "acn_eval", "worker", *options]


def _environment(plan: Plan, service: Service) -> dict[str, str]:
    """Addresses hold passwords, and a command line is read by every user of the machine."""
    database = plan.database or f"sqlite:///{(plan.home / 'service.db').absolute()}"
    own = {"ACN_EVAL_DATABASE": database, "MLFLOW_TRACKING_URI": service.store.uri}
    return {**os.environ, **own}


def _greeting(plan: Plan, service: Service) -> Iterator[str]:
    yield f"The page: {service.url}"
    yield f"MLflow: {service.store.shown}"
    for profile in service.settings.profiles:
        yield (
            f"profile {profile.name}: versions of {profile.models} are judged by {profile.gate} "
            f"against {profile.baseline}"
        )
