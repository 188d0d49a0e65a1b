"""Runs a light MLflow server on a store, and lists its pages."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from acn_eval.errors import ConfigError, TrackingError
from acn_eval.stores.store import TrackingStore, tracking_errors
from acn_eval.tracking.views import link, pages

__all__ = ["LIGHT", "Server", "chart_links", "serving"]

# Jobs are seven processes and 2 GB that serve language models; mlflow/server.env says the same.
LIGHT = {
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_WORKERS": "1",
}
_HOST = "127.0.0.1"
_START_SECONDS = 120.0
_STOP_SECONDS = 10.0


@dataclass(frozen=True)
class Server:
    """A server that answers; the process is None where someone else runs it."""

    address: str
    process: subprocess.Popen[bytes] | None = None

    def wait(self) -> None:
        """Wait for the process, if there is one, and raise `TrackingError` when it ends."""
        if self.process:
            code = self.process.wait()
            raise TrackingError(f"{self.address}: must be up until Ctrl-C; ended with {code}")


@contextmanager
def serving(store: TrackingStore, *, port: int) -> Iterator[Server]:
    """Serve the store on this machine while the body runs.

    A store behind a server is not served again. Port 0 means any free port.

    Raises:
        ConfigError: the store does not exist, or the port is taken.
        TrackingError: the server does not start.
    """
    if store.server:
        yield Server(store.uri.rstrip("/"))
        return
    if store.database and not store.database.exists():
        msg = f"{store.database}: must be an MLflow store; not there. Evaluate something first."
        raise ConfigError(msg)
    port = _free_port(port)
    with tempfile.TemporaryFile() as log:
        process = _start(store, port, log)
        try:
            address = f"http://{_HOST}:{port}"
            _wait(process, address, log)
            yield Server(address, process)
        finally:
            _stop(process)


def chart_links(address: str) -> dict[str, str]:
    """Return the addresses of pages by what they show, the latest experiment first.

    Raises:
        TrackingError: the server does not answer.
    """
    server = TrackingStore(address)
    with tracking_errors(server):
        found = server.client().search_experiments(
            filter_string="name LIKE 'acn-eval/%'", order_by=["last_update_time DESC"]
        )
    return {
        f"{each.name}, {what}": address + link(each.experiment_id, what)
        for each in found
        for what in pages()
    }


def _free_port(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as exc:
            msg = f"`port`: must be free on {_HOST}; got {port}, {exc.strerror}. Try `port` 0."
            raise ConfigError(msg, "port") from exc
        return int(probe.getsockname()[1])


def _start(store: TrackingStore, port: int, log: IO[bytes]) -> subprocess.Popen[bytes]:
    options = {
        "MLFLOW_BACKEND_STORE_URI": store.uri,
        "MLFLOW_HOST": _HOST,
        "MLFLOW_PORT": str(port),
        "PYTHONSAFEPATH": "1",
    }
    if store.database:
        options["MLFLOW_ARTIFACTS_DESTINATION"] = str(store.database.parent / "mlartifacts")
    return subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server"],
        # Not on the command line, where other users could read a password.
        env={**LIGHT, **os.environ, **options},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )


def _wait(process: subprocess.Popen[bytes], address: str, log: IO[bytes]) -> None:
    give_up = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < give_up:
        try:
            urllib.request.urlopen(f"{address}/health", timeout=2).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    log.seek(0)
    last = log.read().decode(errors="replace").strip().rpartition("\n")[2]
    msg = f"{address}: must be a server that starts; got {last or 'no answer'}"
    raise TrackingError(msg)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server and its workers, which are a process group of their own."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(_STOP_SECONDS)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
