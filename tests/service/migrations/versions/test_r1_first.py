"""Version 1 makes a database in which a job is done."""

from acn_eval.service.database import Database
from acn_eval.service.jobs import Jobs
from acn_eval.service.migrations import migrate
from acn_eval.service.requests import Check


def test_a_job_of_version_1_is_done_by_the_latest(address):
    database = Database.at(address)
    migrate(database, "1")
    job, _ = Jobs(database).submit(Check(), by="me")
    migrate(database)
    jobs = Jobs(database)
    jobs.finish(jobs.claim("w"), "done", result={"n": 1}, documents={"report.html": b"x"})
    assert jobs.job(job.id).result == {"n": 1}
    database.engine.dispose()
