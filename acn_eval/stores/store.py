"""Where runs are recorded: one explicit absolute address, and a store that exists."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from filelock import FileLock
from platformdirs import user_cache_path

from acn_eval.errors import ConfigError, TrackingError
from acn_eval.foreign_text import shown
from acn_eval.stores import server_check
from acn_eval.stores.new_store import create

__all__ = [
    "TrackingStore",
    "opened",
    "quiet_environment",
    "resolve_store",
    "tracking_errors",
]

_SQLITE = "sqlite:///"
_DATABASES = ("postgresql", "mysql", "mssql")
_SERVERS = ("http://", "https://")
_ADDRESSES = (_SQLITE, *_DATABASES, *_SERVERS, "databricks")
_LOCK_SECONDS = 600.0  # the lock is free when its holder dies
_DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "ERROR",  # one line says what went wrong
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}


@dataclass(frozen=True)
class TrackingStore:
    """An MLflow tracking store at an absolute address."""

    uri: str

    @property
    def database(self) -> Path | None:
        """The file of an SQLite store; None for any other store."""
        path = self.uri.removeprefix(_SQLITE).partition("?")[0]
        return Path(path) if self.uri.startswith(_SQLITE) and path != ":memory:" else None

    @property
    def server(self) -> bool:
        """Whether the store is behind a server."""
        return self.uri.startswith(_SERVERS)

    @property
    def artifacts(self) -> Path | None:
        """The folder of the artifacts of an SQLite store; None for any other store."""
        return self.database.parent / "mlruns" if self.database else None

    @property
    def shown(self) -> str:
        """The address without user and password, for messages."""
        return shown(self.uri)

    def client(self) -> Any:
        """Return an MLflow client; the caller holds the `lock`.

        Telemetry is off and retries are few unless the environment says otherwise. A new SQLite
        database appears at once and complete, or not at all.

        Raises:
            TrackingError: the server or the database does not answer.
            MissingExtra: the driver of PostgreSQL is not installed.
        """
        quiet_environment()
        if self.server:
            server_check.ask_server(self.uri)
        self.require_database()
        if self.database and not self.database.exists():
            create(self.database, self.database.parent / "mlruns")
        from mlflow import MlflowClient

        client = MlflowClient(self.uri, registry_uri=self.uri)
        return server_check.Heard(client) if self.server else client

    def require_database(self) -> None:
        """Refuse a database that cannot be opened; any other store is accepted.

        Raises:
            ConfigError: the address cannot be read.
            TrackingError: the database refuses the connection, or does not answer.
        """
        if self.database:
            server_check.ask_file(self.database)
        elif self.uri.startswith(_DATABASES):
            server_check.ask_database(self.uri)

    def lock(self) -> FileLock:
        """Return the lock that one process of this machine holds while it writes.

        MLflow crashes where several processes use a new store for the first time at once.

        Raises:
            ConfigError: the folder of the database does not exist; none is created.
            OSError: the lock cannot be created, for which `FileLock` would wait.
        """
        if self.database:
            if self.database.is_dir() or not self.database.parent.is_dir():
                raise ConfigError(f"{self.shown}: must be a file in a folder that exists")
            file = self.database.with_name(f".acn-eval-{self.database.name}.lock")
        else:
            name = sha256(os.fsencode(self.uri)).hexdigest()
            file = user_cache_path("acn-eval") / f"{name}.lock"
            file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        return FileLock(file, timeout=_LOCK_SECONDS)


def resolve_store(tracking_uri: str | None, *, cwd: Path) -> TrackingStore:
    """Return the store with its absolute address.

    It is the argument, else ``MLFLOW_TRACKING_URI``, else ``mlflow.db`` in ``cwd``, which is
    where a plain ``mlflow ui`` in that folder looks. An old ``mlruns`` folder changes nothing.

    Raises:
        ConfigError: MLflow has no store at such an address; a folder is one only where
            ``MLFLOW_ALLOW_FILE_STORE`` is set.

    >>> resolve_store("sqlite:///runs.db", cwd=Path("/home/me")).uri
    'sqlite:////home/me/runs.db'
    """
    uri = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or f"{_SQLITE}mlflow.db"
    if not uri.startswith(_ADDRESSES) and not os.environ.get("MLFLOW_ALLOW_FILE_STORE"):
        known = f"{', '.join(_ADDRESSES[:-1])} or {_ADDRESSES[-1]}"
        raise ConfigError(
            f"`tracking_uri`: must begin with {known}; got {TrackingStore(uri).shown}",
            "tracking_uri",
        )
    store = TrackingStore(uri)
    if store.server:
        server_check.require_address(uri)
    database = store.database
    if database is None:
        return store
    query = uri.partition("?")[1:]
    return TrackingStore(f"{_SQLITE}{(cwd / database).absolute()}{''.join(query)}")


def quiet_environment() -> None:
    """Set the variables that MLflow reads when it is imported, unless the user has set them."""
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)


@contextmanager
def tracking_errors(
    store: TrackingStore, folders: Mapping[str, Path] | None = None
) -> Iterator[None]:
    """Turn failures into one line that says where the results are, and how to send them."""
    try:
        yield
    except TrackingError as exc:
        raise TrackingError(f"{exc}.{_remedy(folders or {})}") from exc
    except _failures() as exc:
        why = str(exc).strip().partition("\n")[0]
        msg = f"{store.shown}: must be a store that takes runs; got {why}.{_remedy(folders or {})}"
        raise TrackingError(msg) from exc


@contextmanager
def opened(store: TrackingStore, uri: str) -> Iterator[Any]:
    """Yield a client; an address that the store does not know raises `ConfigError`."""
    with tracking_errors(store), store.lock():
        client = store.client()
        from mlflow.exceptions import MlflowException

        try:
            yield client
        except MlflowException as exc:
            if exc.error_code not in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
                raise
            why = str(exc).strip().partition("\n")[0]
            msg = f"{uri}: must be in {store.shown}; got {why}"
            raise ConfigError(msg) from exc


def _failures() -> tuple[type[Exception], ...]:
    quiet_environment()
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return MlflowException, SQLAlchemyError, OSError


def _remedy(folders: Mapping[str, Path]) -> str:
    parents = sorted({str(folder.parent) for folder in folders.values()})
    if not parents:
        return ""
    return f" The results are safe; send them with: acn-eval upload {' '.join(parents)}"
