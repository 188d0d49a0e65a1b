"""Creates an SQLite store from the empty database of the installed MLflow, which is kept."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from acn_eval.atomic import replacing
from acn_eval.cache import OutcomeCache, default_store
from acn_eval.errors import AcnEvalError

__all__ = ["create"]

_FILLED = {"alembic_version", "workspaces"}  # by MLflow's migrations, with one row each


def create(database: Path, artifacts: Path) -> None:
    """Build a database beside its place and rename it: MLflow cannot repair half of one.

    MLflow's migrations take most of the time. What they build is kept in the cache, under the
    versions that built it, and later databases are copies. MLflow itself opens the copy, and
    creates the default experiment, whose artifacts lie in the new place.

    Args:
        database: the file, which does not exist.
        artifacts: the folder that its experiments write to.

    Raises:
        OSError: the place cannot be written.
        MlflowException, SQLAlchemyError: the database cannot be built.
    """
    with replacing(database) as part, _flushed_once(part):
        if not _copied(part):
            _migrate(part, artifacts)
        _open(part, artifacts)


def _copied(part: Path) -> bool:
    """Write the database that is kept; return whether it holds what migrations leave."""
    content = None
    with suppress(AcnEvalError):  # the cache cannot be used
        content = default_store().read(_key())
    if content is None:
        return False
    part.write_bytes(content)
    with suppress(sqlite3.Error), closing(sqlite3.connect(part)) as connection:
        return _is_empty(connection)
    return False


def _is_empty(connection: sqlite3.Connection) -> bool:
    """Whether a database is sound, of the expected revision, and without rows but MLflow's own."""

    def rows(query: str) -> list[Any]:
        return connection.execute(query).fetchall()

    if rows("PRAGMA integrity_check") != [("ok",)]:
        return False
    tables = [name for (name,) in rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
    counts = {name: rows(f'SELECT count(*) FROM "{name}"')[0][0] for name in tables}
    filled = {name: n for name, n in counts.items() if n}
    return (
        filled.keys() <= _FILLED
        and set(filled.values()) == {1}
        and rows("SELECT version_num FROM alembic_version") == [(_revision(),)]
    )


def _revision() -> str | None:
    """Return the revision of the schema that the installed MLflow expects."""
    from alembic.script import ScriptDirectory
    from mlflow.store import db_migrations

    return ScriptDirectory(str(Path(db_migrations.__file__).parent)).get_current_head()


def _migrate(part: Path, artifacts: Path) -> None:
    """Let MLflow build the database, and keep it without its default experiment."""
    part.unlink(missing_ok=True)
    _open(part, artifacts)
    with closing(sqlite3.connect(part)) as connection, connection:
        connection.execute("DELETE FROM experiments")
    with suppress(AcnEvalError):  # the cache cannot be used
        default_store().write(_key(), part.read_bytes())


def _key() -> str:
    import alembic
    import mlflow
    import sqlalchemy

    versions = [mlflow.__version__, sqlalchemy.__version__, alembic.__version__]
    return f"{OutcomeCache.key([*versions, sqlite3.sqlite_version])}-mlflow"


def _open(database: Path, artifacts: Path) -> None:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    SqlAlchemyStore(f"sqlite:///{database}", str(artifacts)).engine.dispose()


@contextmanager
def _flushed_once(database: Path) -> Iterator[None]:
    """Leave out the 290 flushes of the migrations: half a database of a crash is never used."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def unflushed(connection: object, _: object) -> None:
        if isinstance(connection, sqlite3.Connection) and _file(connection) == database.name:
            connection.executescript("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY;")

    event.listen(Engine, "connect", unflushed)  # MLflow makes its engine itself
    try:
        yield
    finally:
        event.remove(Engine, "connect", unflushed)


def _file(connection: sqlite3.Connection) -> str:
    ((_, _, path),) = connection.execute("PRAGMA database_list")
    return Path(path).name
