"""Versions of the service's tables: a database is created, or brought up to this one."""

from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from acn_eval.errors import ConfigError
from acn_eval.foreign_text import shown
from acn_eval.service.database import Database

__all__ = ["VERSION_TABLE", "migrate"]

VERSION_TABLE = "acn_eval_version"  # MLflow's tables may lie beside ours, with a version of theirs


def migrate(database: Database, to: str = "head") -> None:
    """Create the tables, or bring those of an earlier version up to this one.

    All of it is one transaction, and any number of processes may start at once.

    Args:
        database: empty, or one that an earlier version made.
        to: the version; the latest one but in tests.

    Raises:
        ConfigError: a later version of acn-eval has made the database.
        TrackingError: the database does not answer, or holds other tables of these names.
    """
    scripts = ScriptDirectory(str(Path(__file__).parent))
    with database.write() as connection:
        database.alone(connection, VERSION_TABLE)
        context = _context(connection, scripts, to)
        unknown = {*context.get_current_heads()} - {s.revision for s in scripts.walk_revisions()}
        if unknown:
            msg = f"{database.where}: must be of version {scripts.get_current_head()} or earlier"
            raise ConfigError(f"{msg}; got {shown(*unknown)}. Update acn-eval")
        with Operations.context(context):
            context.run_migrations()


def _context(connection: Connection, scripts: ScriptDirectory, to: str) -> MigrationContext:
    options = {
        "version_table": VERSION_TABLE,
        "fn": lambda heads, _: scripts._upgrade_revs(to, heads),
    }
    return MigrationContext.configure(connection, opts=options)
