"""Every job is done once: who lost a claim writes nothing, and what failed is tried again."""

import pytest
from sqlalchemy import insert, update

from acn_eval.service import tables as t
from acn_eval.service.jobs import Jobs
from acn_eval.service.records import LeaseLost, Target
from acn_eval.service.requests import Check
from tests.service.together import at_once
from tests.service.versions import submit_version

DAY = 86400.0


@pytest.fixture
def jobs(either):
    return Jobs(either)


@pytest.fixture
def change(either):
    """Write into the row of a job."""

    def write(number, **values):
        with either.write() as connection:
            connection.execute(update(t.job).where(t.job.c.id == number).values(values))

    return write


def submit(jobs, name="a", **options):
    return jobs.submit(Check(name=name), by="me", **options)[0]


def states(jobs, job):
    return [event.data["state"] for event in jobs.events(job.id, kind="state")]


def test_a_job_is_submitted_claimed_and_finished(jobs):
    job, new = jobs.submit(Check(name="a"), by="me")
    assert (job.state, job.submitted_by, new) == ("queued", "me", True)
    claim = jobs.claim("w")
    assert (claim.id, claim.attempt, claim.request) == (job.id, 1, Check(name="a"))
    assert jobs.beat(claim, (1, 2))
    jobs.finish(claim, "done", result={"n": 3}, documents={"report.html": b"<p>"})
    ended = jobs.job(job.id)
    assert (ended.state, ended.result, ended.owner) == ("done", {"n": 3}, None)
    assert ended.created <= ended.started <= ended.finished
    assert (ended.done, ended.total) == (1, 2)
    assert jobs.document(job.id, "report.html") == b"<p>"
    assert jobs.document(job.id, "verdict.json") is None
    assert states(jobs, job) == ["queued", "running", "done"]
    assert jobs.claim("w") is None


def test_equal_requests_that_wait_are_one_job(jobs):
    job = submit(jobs)
    held, new = jobs.submit(Check(name="a"), by="you")
    assert (held, new) == (job, False)
    assert submit(jobs, "b").id != job.id


def test_what_was_taken_before_a_request_does_not_answer_it(jobs):
    """An alias or a file that both name may have changed in between."""
    first = submit(jobs)
    claim = jobs.claim("w")
    second = submit(jobs)
    assert second.id != first.id
    jobs.finish(claim, "done", result={"verdict": "pass", "test_set": "f"})
    assert submit(jobs) == second  # it waits still
    jobs.finish(jobs.claim("w"), "refused", error="wrong")
    third, new = jobs.submit(Check(name="a"), by="you")
    assert (third.id not in {first.id, second.id}, third.state, new) == (True, "queued", True)
    assert jobs.job(first.id).verdict == "pass"


def test_a_request_that_is_sent_again_has_its_job(jobs):
    job = submit(jobs)
    jobs.finish(jobs.claim("w"), "done")
    held, new = jobs.submit(Check(name="a"), by="me", since=job.created)
    assert (held.id, held.state, new) == (job.id, "done", False)
    assert submit(jobs, since=job.created + 0.001).id != job.id


def test_many_who_submit_the_same_at_once_get_one_job(jobs):
    made = at_once(8, lambda _: jobs.submit(Check(name="race"), by="me"))
    assert {job.id for job, _ in made} == {1}
    assert sorted(new for _, new in made) == [False] * 7 + [True]


def test_higher_priority_first_and_then_the_older(jobs):
    order = [submit(jobs, name, priority=p).id for name, p in (("a", 0), ("b", 5), ("c", 5))]
    assert [jobs.claim("w").id for _ in order] == [order[1], order[2], order[0]]
    assert [job.id for job in jobs.page(next_first=True)] == [order[1], order[2], order[0]]


def test_many_who_claim_at_once_get_different_jobs(jobs):
    for number in range(20):
        submit(jobs, str(number))
    claims = at_once(8, lambda own: [c.id for _ in range(3) if (c := jobs.claim(f"w{own}"))])
    assert sorted(number for own in claims for number in own) == list(range(1, 21))


def test_a_claim_that_was_lost_writes_nothing(jobs):
    job = submit(jobs)
    lost = jobs.claim("w", lease=-1.0)
    held = jobs.claim("w")  # of the same name, as a process that started again
    assert (held.id, held.attempt) == (job.id, 2)
    for write in (
        lambda: jobs.beat(lost, (1, 1)),
        lambda: jobs.finish(lost, "done", result={"wrong": 1}, documents={"report.html": b"x"}),
        lambda: jobs.fail(lost, "wrong"),
        lambda: jobs.release(lost),
    ):
        with pytest.raises(LeaseLost, match=r"job 1: must be held by w; another worker took it"):
            write()
    assert jobs.beat(held)
    jobs.finish(held, "done", result={"right": 1})
    with pytest.raises(LeaseLost):
        jobs.finish(held, "done", result={"twice": 1})
    assert jobs.job(job.id).result == {"right": 1}
    assert jobs.document(job.id, "report.html") is None
    assert states(jobs, job) == ["queued", "running", "running", "done"]


def test_only_a_lease_that_ran_out_is_taken_over(jobs):
    submit(jobs)
    claim = jobs.claim("w", lease=60.0)
    assert jobs.claim("v") is None
    jobs.beat(claim, lease=-1.0)
    assert jobs.claim("v").attempt == 2


def test_the_clock_of_the_database_counts_not_that_of_a_worker(jobs, monkeypatch):
    job = submit(jobs)
    for wrong in (0.0, 4e9):
        monkeypatch.setattr("time.time", lambda wrong=wrong: wrong)
        claim = jobs.claim("w", lease=60.0)
        assert jobs.claim("v") is None
        jobs.release(claim)
    assert 1.7e9 < jobs.job(job.id).created < 3e9


def test_the_third_failure_ends_a_job(jobs, change):
    job = submit(jobs)
    for attempt in (1, 2, 3):
        jobs.fail(jobs.claim("w"), f"crash {attempt}")
        held = jobs.job(job.id)
        assert (held.failures, held.error, held.owner) == (attempt, f"crash {attempt}", None)
        if attempt < 3:
            assert jobs.claim("w") is None  # it waits
            change(job.id, not_before=0.0)
    assert (held.state, held.finished is None) == ("failed", False)
    assert jobs.claim("w") is None


def test_the_pause_doubles_up_to_five_minutes(jobs, either, change):
    job = submit(jobs)
    pauses = []
    for _ in range(9):
        jobs.fail(jobs.claim("w"), "down", counts=False)
        with either.read() as connection:
            pause = t.job.c.not_before - either.now
            pauses.append(connection.execute(t.job.select().with_only_columns(pause)).scalar())
        change(job.id, not_before=0.0)
    assert pauses == pytest.approx([5, 10, 20, 40, 80, 160, 300, 300, 300], abs=4.5)


def test_an_outage_never_ends_a_job(jobs, change):
    job = submit(jobs)
    for _ in range(8):
        jobs.fail(jobs.claim("w"), "down", counts=False)
        change(job.id, not_before=0.0)
    held = jobs.job(job.id)
    assert (held.state, held.failures) == ("queued", 0)


def test_an_error_that_no_attempt_helps_ends_a_job(jobs):
    job = submit(jobs)
    jobs.fail(jobs.claim("w"), "no such suite", final=True)
    assert jobs.job(job.id).state == "failed"


def test_a_job_that_was_given_back_is_the_next_one(jobs):
    job = submit(jobs)
    for _ in range(8):
        jobs.release(jobs.claim("w"))
    held = jobs.job(job.id)
    assert (held.state, held.failures, held.owner) == ("queued", 0, None)


def test_a_job_that_takes_twenty_workers_down_ends(jobs):
    job, other = submit(jobs), submit(jobs, "b")
    for _ in range(20):
        assert jobs.claim("w", lease=-1.0).id == job.id
    assert jobs.claim("w").id == other.id
    ended = jobs.job(job.id)
    assert (ended.state, ended.error) == (
        "failed",
        "job 1: must leave its workers alive; 20 did not come back",
    )


def test_what_waits_is_cancelled_at_once(jobs):
    job = submit(jobs)
    assert jobs.cancel(job.id).state == "cancelled"
    assert jobs.claim("w") is None
    assert states(jobs, job) == ["queued", "cancelled"]
    assert jobs.cancel(job.id).state == "cancelled"
    assert states(jobs, job) == ["queued", "cancelled"]


@pytest.mark.parametrize("end", ["finish", "fail", "release"])
def test_the_worker_of_a_cancelled_job_hears_of_it(jobs, end):
    job = submit(jobs)
    claim = jobs.claim("w")
    assert jobs.cancel(job.id).state == "running"
    assert not jobs.beat(claim)
    if end == "finish":
        jobs.finish(claim, "cancelled")
    elif end == "fail":
        jobs.fail(claim, "killed")
    else:
        jobs.release(claim)
    assert jobs.job(job.id).state == "cancelled"


def test_a_cancelled_job_whose_worker_is_gone_is_not_done_again(jobs, change):
    job, other = submit(jobs), submit(jobs, "b")
    jobs.claim("w")
    jobs.cancel(job.id)
    change(job.id, lease=0.0)
    assert jobs.claim("v").id == other.id
    assert jobs.job(job.id).state == "cancelled"


def test_a_job_whose_worker_is_gone_is_cancelled_at_once(jobs):
    job = submit(jobs)
    lost = jobs.claim("w", lease=-1.0)
    assert jobs.cancel(job.id).state == "cancelled"
    with pytest.raises(LeaseLost):
        jobs.finish(lost, "done")


def test_what_is_finished_is_not_cancelled(jobs):
    job = submit(jobs)
    jobs.finish(jobs.claim("w"), "done")
    held = jobs.cancel(job.id)
    assert (held.state, held.cancelled) == ("done", False)


@pytest.mark.parametrize("end", ["failed", "refused", "cancelled"])
def test_what_has_no_result_may_be_asked_for_again(jobs, end):
    job = submit(jobs)
    first = jobs.claim("w", lease=-1.0)
    if end == "failed":
        jobs.fail(first, "wrong", final=True)
    else:
        jobs.finish(first, end, error="wrong")
    again = jobs.retry(job.id)
    assert (again.id, again.state, again.error, again.started) == (job.id, "queued", None, None)
    assert jobs.retry(job.id) == again  # it waits already
    assert jobs.claim("w").attempt == 2
    with pytest.raises(LeaseLost):
        jobs.finish(first, "done")


def test_what_has_a_result_is_not_done_again(jobs):
    job = submit(jobs)
    jobs.finish(jobs.claim("w"), "done", result={"n": 1})
    assert jobs.retry(job.id).state == "done"


def test_every_verdict_about_a_test_set_has_a_number(jobs):
    claims = []
    for number in range(8):
        submit(jobs, str(number))
        claims.append(jobs.claim("w"))
    result = {"test_set": "f00", "verdict": "pass"}
    at_once(8, lambda own: jobs.finish(claims[own], "done", result=result))
    assert sorted(job.asked for job in jobs.page()) == list(range(1, 9))
    assert {job.verdict for job in jobs.page()} == {"pass"}


def test_progress_becomes_few_events(jobs, change, either):
    job = submit(jobs)
    claim = jobs.claim("w")
    for step in range(50):
        jobs.beat(claim, (step, 50))
    told = jobs.events(job.id, kind="progress")
    assert 1 <= len(told) <= 10  # one a second, and they take less than ten
    assert jobs.job(job.id).done == 49
    with either.read() as connection:
        now = either.clock(connection)
    change(job.id, started=now - 1000.0, told=now - 2.0)  # a long job: every five seconds
    jobs.beat(claim, (50, 60))
    assert jobs.events(job.id, kind="progress") == told
    change(job.id, told=now - 10.0)
    jobs.beat(claim, (51, 60))
    assert jobs.events(job.id, kind="progress")[-1].data == {"done": 51, "total": 60}


def test_the_progress_of_an_attempt_that_was_lost_is_forgotten(jobs):
    job = submit(jobs)
    jobs.beat(jobs.claim("w"), (3, 4), lease=-1.0)
    jobs.claim("v")
    held = jobs.job(job.id)
    assert (held.done, held.total, jobs.events(job.id, kind="progress")) == (0, 0, [])


def test_a_request_of_another_version_is_an_error_of_the_job(jobs, change):
    job, other = submit(jobs), submit(jobs, "b")
    change(job.id, request='{"kind": "dance"}')
    assert jobs.claim("w").id == other.id
    change(job.id, request=Check().model_dump_json())
    held = jobs.job(job.id)
    assert (held.state, "must be a request that this version knows" in held.error) == (
        "failed",
        True,
    )


def test_what_is_old_goes_but_for_the_memory_of_what_was_asked(jobs, either, change):
    old, fresh, waiting = submit(jobs, "old"), submit(jobs, "fresh"), submit(jobs, "waiting")
    version = submit_version(jobs, Check(), Target("gate", "vit", 1, 0), priority=1)
    judged = submit(jobs, "judged", priority=1)
    for _ in (version, judged, old, fresh):
        claim = jobs.claim("w")
        jobs.beat(claim, (1, 2))
        result = {"test_set": "f00"} if claim.id == judged.id else {}
        jobs.finish(claim, "done", result=result, documents={"report.html": b"x"})
    for job in (old, version, judged):
        change(job.id, finished=0.0)
    with either.write() as connection:
        for at in (0.0, either.now):
            connection.execute(insert(t.audit).values(at=at, who="me", what="x"))
    assert jobs.prune(1.0) == 1
    assert {job.id for job in jobs.page()} == {fresh.id, waiting.id, version.id, judged.id}
    assert jobs.events(old.id) == []
    assert jobs.document(old.id, "report.html") is None
    assert jobs.document(version.id, "report.html") == b"x"
    assert jobs.events(version.id, kind="progress") == []
    assert states(jobs, version) == ["queued", "running", "done"]
    assert len(jobs.events(fresh.id, kind="progress")) == 1
    with either.read() as connection:
        assert len(connection.execute(t.audit.select()).all()) == 1
    assert submit(jobs, "new").id > judged.id  # numbers are not used again
