"""The process that speaks with Ray, seen from the one that measures."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from typing import Any

from acn_eval.engine.folder import OwnFolder
from acn_eval.engine.ray_address import Cluster
from acn_eval.engine.ray_messages import Ended, Terms
from acn_eval.errors import MeasureError

__all__ = ["RayProcess"]

_CODE = "import sys; from acn_eval.engine.ray_driver import serve; serve(int(sys.argv[1]))"
_LONGEST = 20  # characters of a folder in which Ray has room for its sockets, of 107 in all
_FIRST = 180.0  # seconds until the first answer
_END = 10.0  # seconds that Ray has to end
_VARIABLES = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_NUM_REDIS_GET_RETRIES": "5",  # a second each, to connect
    "RAY_gcs_rpc_server_reconnect_timeout_s": "20",  # then Ray aborts
}


class RayProcess:
    """Speaks with a cluster; see `acn_eval.engine.ray_messages` for what is said.

    It has a session of its own, so that a Ctrl-C reaches only the process that measures.
    """

    def __init__(self, cluster: Cluster, terms: Terms) -> None:
        self._cluster, self._joined = cluster, False
        self._folder = OwnFolder("acn-ray-", _short())
        self._said = self._folder.path / "stderr"
        self._connection, other = Pipe()
        with other, open(self._said, "wb") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _CODE, str(other.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=_environment(cluster),
                cwd=self._folder.path,  # Ray lets workers import from there
                pass_fds=[other.fileno()],
                start_new_session=True,
            )
        self.send(terms._replace(address=cluster.address, folder=str(self._folder.path)))

    def send(self, message: Any) -> None:
        """Send a message.

        Raises:
            MeasureError: the cluster is lost.
        """
        with self._told():
            self._connection.send(message)

    def first(self) -> Any:
        """Return the first answer.

        Raises:
            MeasureError: there is none, or the cluster cannot be used.
        """
        with self._told():
            if self._connection.poll(_FIRST):
                answer = self.receive()
                self._joined = True
                return answer
        raise self._lost(f"none in {_FIRST:.0f} s")

    def receive(self) -> Any:
        """Return the next answer.

        Raises:
            MeasureError: the cluster is lost.
        """
        with self._told():
            answer = self._connection.recv()
        if isinstance(answer, Ended):
            raise self._lost(answer.reason)
        return answer

    def close(self) -> None:
        """End it, and all that it started."""
        self._connection.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END)
        with suppress(ProcessLookupError):  # Ray's processes end with it, some of them late
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._folder.remove()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, ConnectionError) as exc:
            raise self._lost("no more answers") from exc

    def _lost(self, reason: str) -> MeasureError:
        what = "answer until all is measured" if self._joined else "let this machine join"
        remedy = " The same command resumes from what the store holds." * self._joined
        if b"Unauthenticated" in self._said.read_bytes():
            has = self._cluster.variables.get("RAY_AUTH_MODE", "").lower() == "token"
            reason = "another token than RAY_AUTH_TOKEN" if has else "no RAY_AUTH_TOKEN"
        msg = f"{self._cluster.where}: the cluster must {what}; got: {reason}."
        return MeasureError(f"{msg}{remedy}")


def _short() -> str | None:
    """Return where Ray has room for its sockets; None is the default."""
    return None if len(tempfile.gettempdir()) <= _LONGEST else "/tmp"


def _environment(cluster: Cluster) -> dict[str, str]:
    """Return the variables of the process, which workers of a cluster of its own inherit."""
    path = os.pathsep.join(map(os.path.abspath, sys.path))
    own = {**os.environ, **_VARIABLES, **cluster.variables, "PYTHONPATH": path}
    own.pop("RAY_ADDRESS", None)
    return own
