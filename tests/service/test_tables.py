"""The tables are those that the versions make, and what belongs to a job goes with it."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import delete, select, text, update

from acn_eval.service import tables
from acn_eval.service.jobs import Jobs
from acn_eval.service.migrations import VERSION_TABLE
from acn_eval.service.requests import Check


def test_a_new_database_has_the_tables_that_the_code_knows(either):
    with either.read() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, tables.METADATA) == []


def test_the_next_job_is_found_without_sorting_those_that_wait(database):
    asked = "SELECT id FROM job WHERE state = 'queued' ORDER BY rank, id LIMIT 1"
    with database.read() as connection:
        plan = connection.execute(text(f"EXPLAIN QUERY PLAN {asked}")).all()
    assert [row.detail for row in plan] == ["SEARCH job USING INDEX job_waiting (state=?)"]


def test_a_job_takes_its_events_and_documents_along(either):
    jobs = Jobs(either)
    jobs.submit(Check(), by="me")
    claim = jobs.claim("w")
    jobs.finish(claim, "done", documents={"report.html": b"x"})
    with either.write() as connection:
        connection.execute(update(tables.job).values(finished=0.0))
        connection.execute(delete(tables.job))
        for left in (tables.event, tables.document):
            assert connection.execute(select(left)).first() is None
