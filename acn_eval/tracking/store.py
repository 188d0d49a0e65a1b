"""Where runs are recorded: one explicit absolute address, and a store that exists."""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from filelock import FileLock
from platformdirs import user_cache_path

from acn_eval.addresses import shown
from acn_eval.atomic import replacing
from acn_eval.errors import ConfigError, TrackingError
from acn_eval.tracking.server_check import (
    Heard,
    ask_database,
    ask_file,
    ask_server,
    require_address,
)

__all__ = ["TrackingStore", "quiet_environment", "resolve_store", "tracking_errors"]

_SQLITE = "sqlite:///"
_DATABASES = ("postgresql", "mysql", "mssql")
_SERVERS = ("http://", "https://")
_ADDRESSES = (_SQLITE, *_DATABASES, *_SERVERS, "databricks")
_LOCK_SECONDS = 600.0  # it is free when its holder dies: who waits, waits for the living
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
        """The file of an SQLite store, None for any other."""
        path = self.uri.removeprefix(_SQLITE).partition("?")[0]
        return Path(path) if self.uri.startswith(_SQLITE) and path != ":memory:" else None

    @property
    def server(self) -> bool:
        """Whether the store is behind a server."""
        return self.uri.startswith(_SERVERS)

    @property
    def artifacts(self) -> Path | None:
        """Where MLflow keeps the artifacts of an SQLite store; a server decides for itself."""
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
            MissingExtra: the address of a PostgreSQL, and no driver.
        """
        quiet_environment()
        if self.server:
            ask_server(self.uri)
        self.require_database()
        if self.database and not self.database.exists():
            _create(self.database)
        from mlflow import MlflowClient

        client = MlflowClient(self.uri, registry_uri=self.uri)
        return Heard(client) if self.server else client

    def require_database(self) -> None:
        """Refuse a database that does not let anyone in; any other store is fine.

        Raises:
            ConfigError: its address cannot be read.
            TrackingError: it refuses, or does not answer.
        """
        if self.database:
            ask_file(self.database)
        elif self.uri.startswith(_DATABASES):
            ask_database(self.uri)

    def lock(self) -> FileLock:
        """Return the lock that one process of this machine holds while it writes.

        MLflow crashes where several processes use a new store for the first time at once.

        Raises:
            ConfigError: the folder of a database is not there: a typing error makes none.
            OSError: it cannot be made; asking for it would wait for a folder that takes no file.
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
    """Return the store that is meant, always with an explicit absolute address.

    In this order: the argument, ``MLFLOW_TRACKING_URI``, and ``mlflow.db`` in ``cwd``, which is
    where a plain ``mlflow ui`` in that folder looks. An old ``mlruns`` folder changes nothing.

    Raises:
        ConfigError: MLflow has no store at such an address; files are one if
            ``MLFLOW_ALLOW_FILE_STORE`` says so.

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
        require_address(uri)
    database = store.database
    if database is None:
        return store
    query = uri.partition("?")[1:]
    return TrackingStore(f"{_SQLITE}{(cwd / database).absolute()}{''.join(query)}")


def quiet_environment() -> None:
    """Set MLflow's switches where the user has not: they count when MLflow is imported."""
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)


def _create(database: Path) -> None:
    """Build the database beside its place and rename it: a kill cannot leave half of one.

    MLflow cannot repair half a database. The write-ahead log halves the time to build one; it
    is off again in the finished file, because it is unsafe on network file systems.
    """
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    with replacing(database) as part:
        _journal(part, "wal")
        built = SqlAlchemyStore(f"{_SQLITE}{part}", str(database.parent / "mlruns"))
        built.engine.dispose()
        _journal(part, "delete")


def _journal(database: Path, mode: str) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(f"PRAGMA journal_mode={mode}")


@contextmanager
def tracking_errors(
    store: TrackingStore, folders: Mapping[str, Path] | None = None
) -> Iterator[None]:
    """Say in one line what failed, where the results are, and how to send them later."""
    try:
        yield
    except TrackingError as exc:
        raise TrackingError(f"{exc}.{_remedy(folders or {})}") from exc
    except _failures() as exc:
        why = str(exc).strip().partition("\n")[0]
        msg = f"{store.shown}: must be a store that takes runs; got {why}.{_remedy(folders or {})}"
        raise TrackingError(msg) from exc


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
