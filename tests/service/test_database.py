"""A database that is full, damaged, locked or away is one line, and works again afterwards."""

import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest
from sqlalchemy import event, text

from acn_eval.errors import ConfigError, TrackingError
from acn_eval.service.database import Database
from acn_eval.service.jobs import Jobs
from acn_eval.service.migrations import migrate
from acn_eval.service.requests import Check
from tests.tracking.postgres import free_port, needs_postgres, new_database, postgres_server


@pytest.mark.parametrize(
    "address",
    ["mysql://lab/x", "sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:////none/x.db", ""],
)
def test_what_is_no_database_is_refused(address):
    with pytest.raises(ConfigError, match=r"^`database`: must be [^\n]+; got"):
        Database.at(address)


def test_a_folder_and_a_folder_that_is_a_file_are_refused(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "service.db"):
        with pytest.raises(ConfigError, match="must be a file in a folder"):
            Database.at(f"sqlite:///{path}")


def test_a_server_that_is_not_there_is_one_line_without_its_password():
    with pytest.raises(TrackingError) as caught:
        Database.at(f"postgresql://me:secret@127.0.0.1:{free_port()}/x")
    assert "must be a database that answers" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_new_file_is_for_its_owner_alone(tmp_path):
    tmp_path.chmod(0o755)
    migrate(Database.at(f"sqlite:///{tmp_path / 'service.db'}"))
    found = {file.name: file.stat().st_mode & 0o077 for file in tmp_path.glob("service.db*")}
    assert found.pop("service.db.lock") is not None
    assert {*found.values()} == {0}


def test_a_file_that_is_no_database_is_one_line(tmp_path):
    (tmp_path / "service.db").write_bytes(b"no database at all" * 1000)
    with pytest.raises(TrackingError, match="file is not a database"):
        Database.at(f"sqlite:///{tmp_path / 'service.db'}")


def test_a_damaged_file_is_one_line(database, tmp_path):
    file = tmp_path / "service.db"
    content = bytearray(file.read_bytes())
    content[4096:] = b"\x7f" * (len(content) - 4096)
    file.write_bytes(content)
    with pytest.raises(TrackingError, match="malformed"):
        Jobs(database).submit(Check(), by="me")


def fill(jobs):
    for number in range(100):
        jobs.submit(Check(name=f"{number} {'x' * 60}"), by="me")


@pytest.mark.parametrize(
    ("pragma", "undone", "said"),
    [
        ("max_page_count = 1", "max_page_count = 1073741823", "full"),
        ("query_only = ON", "query_only = OFF", "readonly"),
    ],
)
def test_a_full_or_read_only_disk_loses_nothing(database, pragma, undone, said):
    jobs = Jobs(database)
    job, _ = jobs.submit(Check(name="before"), by="me")
    state = [pragma]
    event.listen(database.engine, "checkout", lambda own, *_: own.execute(f"PRAGMA {state[-1]}"))
    with pytest.raises(TrackingError, match=said):
        fill(jobs)
    assert jobs.job(job.id) == job
    state.append(undone)
    assert jobs.claim("w").id == job.id


def test_a_file_that_was_put_back_is_used_and_one_that_is_gone_is_one_line(database, tmp_path):
    jobs, file = Jobs(database), tmp_path / "service.db"
    database.engine.dispose()
    backup = file.read_bytes()
    jobs.submit(Check(name="later"), by="me")
    for left in tmp_path.glob("service.db*"):
        left.unlink()
    with pytest.raises(TrackingError, match="unable to open database file"):
        jobs.counts()
    file.write_bytes(backup)
    assert jobs.counts() == {}
    assert jobs.submit(Check(name="again"), by="me")[1]


def test_who_writes_is_waited_for_and_who_reads_does_not_wait(database, tmp_path):
    jobs = Jobs(database)
    job, _ = jobs.submit(Check(), by="me")
    claims = []
    with closing(sqlite3.connect(tmp_path / "service.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = threading.Thread(target=lambda: claims.append(jobs.claim("w")))
        waiting.start()
        assert jobs.job(job.id).state == "queued"
        assert claims == []
        other.execute("COMMIT")
    waiting.join()
    assert claims[0].id == job.id


def test_the_clock_is_in_seconds_and_agrees_with_ours(either):
    with either.read() as connection:
        assert either.clock(connection) == pytest.approx(time.time(), abs=30)


def test_what_fails_in_the_middle_is_undone(either):
    jobs = Jobs(either)
    job, _ = jobs.submit(Check(), by="me")
    with pytest.raises(ZeroDivisionError), either.write() as connection:
        connection.execute(text("UPDATE job SET state = 'done'")).rowcount / 0
    assert jobs.job(job.id).state == "queued"


def test_a_name_belongs_to_one_transaction_at_a_time(either):
    held, seen = threading.Event(), []

    def second():
        held.wait()
        with either.write() as connection:
            either.alone(connection, "name")
            seen.append("second")

    waiting = threading.Thread(target=second)
    waiting.start()
    with either.write() as connection:
        either.alone(connection, "name")
        held.set()
        waiting.join(0.2)
        seen.append("first")
    waiting.join()
    assert seen == ["first", "second"]


def end_connections(database):
    end = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'cut'")
    with database.write() as connection:
        connection.execute(end)
        connection.execute(text("SELECT 1"))


@needs_postgres
@pytest.mark.slow
def test_connections_that_the_server_ends_are_made_again(postgresql_server):
    database = Database.at(new_database(postgresql_server, "cut"))
    migrate(database)
    jobs = Jobs(database)
    jobs.submit(Check(), by="me")
    with pytest.raises(TrackingError, match="must be a database that answers"):
        end_connections(database)
    claim = jobs.claim("w")
    with database.read() as idle:
        idle.execute(text("SELECT 1"))
    jobs.finish(claim, "done")
    assert jobs.job(claim.id).state == "done"
    database.engine.dispose()


@needs_postgres
@pytest.mark.slow
def test_a_server_that_is_started_again_is_used_again():
    with postgres_server() as server:
        database = Database.at(new_database(server.address, "again"))
        migrate(database)
        jobs = Jobs(database)
        job, _ = jobs.submit(Check(), by="me")
        claim = jobs.claim("w")
        server.stop()
        for ask in (lambda: jobs.beat(claim), lambda: jobs.claim("v"), lambda: jobs.job(job.id)):
            with pytest.raises(TrackingError, match="must be a database that answers"):
                ask()
        server.start()
        assert jobs.beat(claim)
        jobs.finish(claim, "done")
        database.engine.dispose()


def test_opening_it_twice_leaves_the_first_its_locks(tmp_path):
    """POSIX drops the locks of a process on a file when it closes the file anywhere."""
    address = f"sqlite:///{tmp_path / 'service.db'}"
    first = Database.at(address)
    migrate(first)
    Jobs(first).submit(Check(name="a"), by="me")
    Database.at(address).engine.dispose()
    code = (
        "import fcntl, sys; file = open(sys.argv[1], 'r+b');"
        "fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 510, 0x40000002)"  # SQLite's SHARED lock
    )
    taken = subprocess.run([sys.executable, "-c", code, str(tmp_path / "service.db")])
    assert taken.returncode != 0
