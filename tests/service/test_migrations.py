"""A database is created or brought up once, however many ask, and what it holds stays."""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from acn_eval.errors import ConfigError, TrackingError
from acn_eval.service import migrations, tables
from acn_eval.service.database import Database
from acn_eval.service.jobs import Jobs
from acn_eval.service.migrations import VERSION_TABLE, migrate
from acn_eval.service.requests import Check

START = """
import sys
from acn_eval.service.database import Database
from acn_eval.service.migrations import migrate
print("ready", flush=True)
sys.stdin.readline()
migrate(Database.at(sys.argv[1]))
"""
SECOND = '''"""Another version."""
from alembic import op
from sqlalchemy import Column, Text
revision, down_revision = "2", "1"
def upgrade():
    op.add_column("job", Column("note", Text))
    op.create_table("further", Column("id", Text, primary_key=True))
    {last}
'''


def tables_of(database):
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        return compare_metadata(context, tables.METADATA)


def started(address):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", START, address], text=True, **pipes)


@pytest.fixture
def second(monkeypatch, tmp_path):
    """A later acn-eval, whose tables have a second version; call it with its last line."""

    def write(last="pass"):
        versions = tmp_path / "later" / "versions"
        versions.mkdir(parents=True)
        first = Path(migrations.__file__).parent / "versions" / "r1_first.py"
        (versions / "r1.py").write_text(first.read_text())
        (versions / "r2.py").write_text(SECOND.format(last=last))
        monkeypatch.setattr(migrations, "__file__", str(versions.parent / "__init__.py"))

    return write


def test_a_second_start_changes_nothing(either):
    job, _ = Jobs(either).submit(Check(), by="me")
    migrate(either)
    assert Jobs(either).job(job.id) == job


def test_what_an_earlier_version_held_survives(either, second):
    job, _ = Jobs(either).submit(Check(name="kept"), by="me")
    second()
    migrate(either)
    with either.read() as connection:
        assert connection.scalars(text("SELECT note FROM job")).all() == [None]
    assert Jobs(either).job(job.id) == job


def test_a_migration_that_fails_leaves_the_tables_as_they_were(either, second):
    second(last='op.execute("SELECT nonsense")')
    with pytest.raises(TrackingError, match="nonsense"):
        migrate(either)
    assert tables_of(either) == []


def test_the_database_of_a_later_acn_eval_is_refused(either, second):
    with either.write() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '999'"))
    with pytest.raises(ConfigError, match=r"must be of version 1 or earlier; got 999. Update"):
        migrate(either)


def test_tables_of_somebody_else_are_left_alone(address):
    database = Database.at(address)
    with database.write() as connection:
        connection.execute(text("CREATE TABLE worker (id INTEGER)"))
    with pytest.raises(TrackingError, match="worker"):
        migrate(database)
    with database.write() as connection:
        connection.execute(text("DROP TABLE worker"))
    migrate(database)
    assert tables_of(database) == []


def test_processes_that_start_at_once_make_one_database(address):
    with ExitStack() as stack:
        starting = [stack.enter_context(started(address)) for _ in range(2)]
        for process in starting:
            assert process.stdout.readline() == "ready\n"
        for process in starting:
            process.stdin.write("now\n")
            process.stdin.flush()
        assert [process.wait() for process in starting] == [0] * 2
    assert tables_of(Database.at(address)) == []
