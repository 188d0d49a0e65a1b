"""The service's database: SQLite in one file, or PostgreSQL by URL."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock
from sqlalchemy import (
    Connection,
    Engine,
    Table,
    create_engine,
    event,
    func,
    literal_column,
    make_url,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from acn_eval.errors import ConfigError, TrackingError
from acn_eval.foreign_text import shown
from acn_eval.stores.server_check import ask_database

__all__ = ["Database"]

_BUSY_SECONDS = 30.0
_KINDS = ("sqlite:///", "postgresql://", "postgresql+psycopg2://")
_POOL = {"pool_size": 4, "max_overflow": 12}  # a new connection costs more than most questions
_WAITS = "-c lock_timeout=30s -c statement_timeout=60s"
_NOW = {
    "sqlite": "((julianday('now') - 2440587.5) * 86400.0)",
    "postgresql": "extract(epoch from clock_timestamp())::float8",
}


@dataclass(frozen=True)
class Database:
    """Connections to one database; `now` is its clock in SQL, so that workers' need not agree."""

    engine: Engine

    @staticmethod
    def at(url: str) -> "Database":
        """Return the database at a URL; an SQLite file is created, its tables are not.

        Raises:
            ConfigError: another kind of database, or no folder that can be written.
            TrackingError: PostgreSQL does not answer, or the file is no database.
            MissingExtra: the driver of PostgreSQL is not installed.
        """
        if not url.startswith(_KINDS):
            msg = f"`database`: must be sqlite:///FILE or postgresql://...; got {shown(url)}"
            raise ConfigError(msg, "database")
        if not url.startswith("sqlite"):
            return _postgresql(url)
        file = Path(make_url(url).database or "")
        if not file.name or file.name == ":memory:" or not file.parent.is_dir() or file.is_dir():
            msg = f"`database`: must be a file in a folder that exists; got {file}"
            raise ConfigError(msg, "database")
        with _told(str(file)):
            _use_log(file)
        engine = create_engine(url, creator=partial(_connect, file), **_POOL)
        event.listen(engine, "connect", partial(_prepare, file))
        event.listen(engine, "checkout", partial(_require_same, file))
        event.listen(engine, "begin", _begin)
        return Database(engine)

    @property
    def sqlite(self) -> bool:
        """Whether it is one file, which one writer at a time changes."""
        return self.engine.dialect.name == "sqlite"

    @property
    def where(self) -> str:
        """Its address, without a password."""
        return shown(self.engine.url.render_as_string())

    @property
    def now(self) -> Any:
        """The time in seconds since 1970, as an SQL expression."""
        return literal_column(_NOW[self.engine.dialect.name])

    def insert(self, table: Table) -> Any:
        """Return an `INSERT` that can say what happens where the row is there."""
        return (sqlite if self.sqlite else postgresql).insert(table)

    def clock(self, connection: Connection) -> float:
        """Return the time in seconds since 1970."""
        return float(connection.execute(select(self.now)).scalar_one())

    def alone(self, connection: Connection, name: str) -> None:
        """Wait until no other transaction has asked for this name; it is free when ours ends.

        In SQLite a transaction that writes is alone in any case.
        """
        if not self.sqlite:
            connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Yield a connection in a transaction that is the only writer of an SQLite file.

        Raises:
            TrackingError: the database does not answer, or is full.
        """
        with _told(self.where), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection that sees one state and waits for no writer.

        Raises:
            TrackingError: the database does not answer.
        """
        with _told(self.where), self.engine.connect() as connection:
            yield connection.execution_options(reads=True)


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Raise `TrackingError` for what a database or its file says, `ConfigError` for its values."""
    try:
        yield
    except DataError as exc:  # asked again, it would say the same
        raise ConfigError(f"{where}: must be given values that fit; got {_why(exc)}") from exc
    except (DBAPIError, PoolTimeout, sqlite3.Error) as exc:
        raise TrackingError(f"{where}: must be a database that answers; got {_why(exc)}") from exc


def _why(exc: Exception) -> str:
    return str(getattr(exc, "orig", exc)).strip().partition("\n")[0]


def _postgresql(url: str) -> Database:
    url = url.replace("postgresql://", "postgresql+psycopg2://", 1)
    ask_database(url)
    options = {"connect_timeout": 4, "tcp_user_timeout": 30_000, "options": _WAITS}
    return Database(create_engine(url, pool_pre_ping=True, connect_args=options, **_POOL))


def _use_log(file: Path) -> None:
    """Let readers and a writer not wait for each other, from now on.

    SQLite does not wait for a process that does the same: it would be an error.
    """
    try:
        # Tokens, and who did what. Closing a file that is there would drop SQLite's locks on it.
        with suppress(FileExistsError):
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with FileLock(f"{file}.lock"), closing(sqlite3.connect(file, _BUSY_SECONDS)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
    except OSError as exc:
        msg = f"`database`: must be a file in a folder that can be written; got {file} ({exc})"
        raise ConfigError(msg, "database") from exc


def _connect(file: Path) -> sqlite3.Connection:
    """Open a file that is there; one that was removed does not come back without its tables."""
    return sqlite3.connect(
        f"{file.absolute().as_uri()}?mode=rw",
        _BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,  # the pool gives it to one thread at a time
        uri=True,
    )


def _prepare(file: Path, connection: Any, record: Any) -> None:
    connection.execute("PRAGMA synchronous = FULL")  # a result that was reported is not lost
    connection.execute("PRAGMA foreign_keys = ON")
    record.info["file"] = _identity(file)


def _require_same(file: Path, connection: object, record: Any, _: object) -> None:
    """Connect again where the file was removed or put back: what is written must be in it."""
    if record.info["file"] != _identity(file):
        raise DisconnectionError(f"{file}: is another file")


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _begin(connection: Connection) -> None:
    reads = connection.get_execution_options().get("reads")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
