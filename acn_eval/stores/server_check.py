"""Checks a store within limits of time and memory, before MLflow uses it.

MLflow tries a database that refuses ten times, in two minutes and thirty lines; it waits for a
slow server without end, and keeps whatever the server sends.
"""

import json
import queue
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from acn_eval.errors import AcnEvalError, ConfigError, MissingExtra, TrackingError
from acn_eval.foreign_text import shown

__all__ = ["Heard", "ask_database", "ask_file", "ask_server", "require_address"]

_ANSWER_SECONDS = 4
_SECONDS = 8.0  # for a whole answer
_BYTES = 2**20
_QUESTION = "/api/2.0/mlflow/experiments/get-by-name"
_NONSENSE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
_TIMED = ("postgresql", "mysql")  # whose drivers know `connect_timeout`


class Heard:
    """A client of a server: an answer that MLflow cannot read is an error of the server."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return a method that raises `MlflowException` for an answer that cannot be read."""
        from google.protobuf.json_format import Error  # type: ignore[import-untyped]
        from mlflow.exceptions import MlflowException

        call = getattr(self._client, name)

        def heard(*arguments: Any, **options: Any) -> Any:
            try:
                return call(*arguments, **options)
            except (*_NONSENSE, Error) as exc:
                msg = f"an answer that is none to {name} ({type(exc).__name__}: {exc})"
                raise MlflowException(msg) from exc

        return heard


def require_address(uri: str) -> None:
    """Raise `ConfigError` for an address that cannot be read as ``http://HOST[:PORT]``."""
    from requests import PreparedRequest, RequestException

    try:
        PreparedRequest().prepare_url(uri, None)
        str(urlsplit(uri).hostname).encode("idna")
        if not uri.isprintable() or " " in uri:
            raise ValueError("a character that no address has")
    except (RequestException, ValueError) as exc:
        msg = f"`tracking_uri`: must be http://HOST:PORT; got {shown(uri)} ({exc})"
        raise ConfigError(msg, "tracking_uri") from exc


def ask_file(database: Path) -> None:
    """Raise `TrackingError` for a file that is no SQLite database."""
    if not database.is_file():
        return
    try:
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA schema_version")
    except sqlite3.Error as exc:
        raise TrackingError(f"{database}: must be a database of MLflow; got {exc}") from exc


def ask_database(uri: str) -> None:
    """Connect to a database and disconnect.

    Raises:
        ConfigError: the kind of database or its address is unknown.
        MissingExtra: the driver of PostgreSQL is not installed.
        TrackingError: the database refuses the connection, or does not answer.
    """
    from sqlalchemy import NullPool, create_engine
    from sqlalchemy.exc import ArgumentError, DBAPIError

    timed = {"connect_timeout": _ANSWER_SECONDS} if uri.startswith(_TIMED) else {}
    try:
        engine = create_engine(uri, poolclass=NullPool, connect_args=timed)
        engine.connect().close()
    except ModuleNotFoundError as exc:
        if exc.name == "psycopg2":
            raise MissingExtra(shown(uri), "postgres") from exc
        msg = f"{shown(uri)}: must name a driver that is installed; {exc.name} is not"
        raise ConfigError(f"{msg}. PostgreSQL's is postgresql+psycopg2://...") from exc
    except (ArgumentError, ValueError) as exc:
        msg = f"`tracking_uri`: must be an address of a database; got {shown(uri)} ({exc})"
        raise ConfigError(msg, "tracking_uri") from exc
    except DBAPIError as exc:
        why = str(exc.orig).strip().partition("\n")[0]
        raise TrackingError(f"{shown(uri)}: must be a database that answers; got {why}") from exc


def ask_server(uri: str) -> None:
    """Ask a server for an experiment, with the user and certificates that MLflow would use.

    Raises:
        TrackingError: the server does not answer in time, or is no tracking server.
    """
    status, body = _within(_SECONDS, uri, lambda: _answer(uri))
    known = status in {HTTPStatus.OK, HTTPStatus.NOT_FOUND}
    if not known or not _is_of_mlflow(body):
        what = f"HTTP {status}" if not known else f"{body[:80].decode(errors='replace')!r}"
        raise _no_server(uri, what)


def _answer(uri: str) -> tuple[int, bytes]:
    """Return the status, and the beginning of the body."""
    from mlflow.exceptions import MlflowException
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request
    from requests import RequestException

    try:
        response = http_request(
            get_default_host_creds(uri),
            _QUESTION,
            "GET",
            max_retries=0,
            retry_codes=(),
            timeout=_ANSWER_SECONDS,
            params={"experiment_name": "acn-eval"},
            hooks={"response": _stay},
            stream=True,
        )
        with closing(response):
            return response.status_code, next(response.iter_content(_BYTES), b"")
    except (MlflowException, RequestException, ValueError) as exc:
        raise _no_server(uri, _root(exc)) from exc


def _stay(response: Any, **_: Any) -> None:
    """Follow no redirect: requests would read all of its body first."""
    response.headers.pop("Location", None)


def _is_of_mlflow(body: bytes) -> bool:
    """Whether the answer is an experiment, or the error that there is none."""
    try:
        match json.loads(body):
            case {"experiment": {**found}}:
                return isinstance(found.get("experiment_id"), str)
            case {"error_code": code}:
                return bool(code == "RESOURCE_DOES_NOT_EXIST")
    except (ValueError, RecursionError):
        pass
    return False


def _within(seconds: float, uri: str, ask: Callable[[], tuple[int, bytes]]) -> tuple[int, bytes]:
    """Return the answer, if it is there in time: a server may send one byte a second."""
    said: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def wait() -> None:
        try:
            said.put(ask())
        except AcnEvalError as exc:
            said.put(exc)

    threading.Thread(target=wait, daemon=True).start()
    try:
        found = said.get(timeout=seconds)
    except queue.Empty:
        raise _no_server(uri, f"no answer in {seconds:g} s") from None
    if isinstance(found, AcnEvalError):
        raise found
    status, body = found
    return status, body


def _root(exc: BaseException) -> str:
    """Return the first error of a chain: MLflow and requests wrap that of the system."""
    while exc.__context__ is not None:
        exc = exc.__context__
    return str(exc) or type(exc).__name__


def _no_server(uri: str, why: str) -> TrackingError:
    return TrackingError(f"{shown(uri)}: must be a tracking server that answers; got {why}")
