"""Workers are processes, and so are their jobs: what ends one leaves the others alone."""

import os
import re
import shutil
import signal
import time

import psutil
import pytest

from acn_eval.service.database import Database
from acn_eval.service.service import Service
from acn_eval.service.settings import Settings
from acn_eval.service.workers import Workers
from acn_eval.stores import TrackingStore
from tests.service.workers import (
    ENDED,
    check,
    child_of,
    drained,
    in_state,
    runs,
    start,
    until,
    working,
)


@pytest.fixture(scope="module")
def shared(tables, empty_store, tmp_path_factory):
    """A service and a worker that many tests share: its leases are short, as is its patience."""
    home = tmp_path_factory.mktemp("shared")
    shutil.copy(tables, home / "service.db")
    shutil.copy(empty_store, home / "mlflow.db")
    store = TrackingStore(f"sqlite:///{home / 'mlflow.db'}")
    service = Service(Settings(), Database.at(f"sqlite:///{home / 'service.db'}"), store, home, "")
    secret = {"ACN_EVAL_WEBHOOK_SECRET": "sesame", "ACN_EVAL_DATABASE": "postgresql://me:pw@db/x"}
    with working(service, settings={"job_seconds": 3}, environment=secret, lease=2.0) as worker:
        yield service, worker


def test_jobs_are_done_in_their_order(shared):
    service, _ = shared
    numbers = [check(service, name, steps=3) for name in "abc"]
    jobs = [in_state(service, number, *ENDED) for number in numbers]
    assert [job.state for job in jobs] == ["done"] * 3
    assert jobs[0].result == {"sentence": "The worker did 3 steps."}
    assert sorted(job.finished for job in jobs) == [job.finished for job in jobs]


def test_a_job_that_is_cancelled_ends_with_its_process(shared):
    service, worker = shared
    number = check(service, "cancel", seconds=600)
    child = until(lambda: child_of(worker.pid))
    service.jobs.cancel(number)
    assert in_state(service, number, *ENDED).state == "cancelled"
    until(lambda: not runs(child))


def test_a_process_that_is_killed_fails_its_job_in_words_and_is_tried_again(shared):
    service, worker = shared
    number = check(service, "memory", seconds=600)
    os.kill(until(lambda: child_of(worker.pid)), signal.SIGKILL)
    job = until(lambda: (found := service.jobs.job(number)).error and found)
    assert (job.state, job.failures) == ("queued", 1)
    assert "got SIGKILL. Linux kills so when memory runs out" in job.error
    service.jobs.cancel(number)


def test_a_job_that_takes_too_long_is_stopped(shared):
    service, worker = shared
    number = check(service, "late", seconds=600)
    job = until(lambda: (found := service.jobs.job(number)).error and found)
    assert (job.state, job.failures) == ("queued", 1)
    assert "none in time" in job.error
    assert "`job_seconds`" in job.error
    until(lambda: child_of(worker.pid) is None)
    service.jobs.cancel(number)


def test_a_job_sees_no_secret_of_the_service(shared):
    service, worker = shared
    number = check(service, "secrets", seconds=600)
    seen = psutil.Process(until(lambda: child_of(worker.pid))).environ()
    service.jobs.cancel(number)
    assert "PATH" in seen
    assert seen.keys() & {"ACN_EVAL_WEBHOOK_SECRET", "ACN_EVAL_DATABASE"} == set()
    in_state(service, number, *ENDED)


def test_a_worker_says_that_it_is_there(shared):
    service, _ = shared
    until(lambda: [own.name for own in Workers(service.database).alive()] == ["w"])


def test_a_drained_worker_puts_its_job_back_at_the_end_of_its_grace(service):
    number = check(service, seconds=600)
    with working(service, grace=0.5) as worker:
        child = until(lambda: child_of(worker.pid))
        code, out = drained(worker)
    assert (code, not runs(child)) == (0, True)
    job = service.jobs.job(number)
    assert (job.state, job.failures, job.attempt) == ("queued", 0, 1)
    assert re.fullmatch(rf"job {number}, [\d.]+ s: put back\n", out)
    assert [*(service.home / "work").iterdir()] == []
    assert Workers(service.database).alive() == []


def test_the_process_of_a_killed_worker_dies_and_a_later_worker_removes_what_is_left(service):
    check(service, seconds=600)
    with working(service, "first") as worker:
        child = until(lambda: child_of(worker.pid))
        worker.kill()
        until(lambda: not runs(child))
    left = {*(service.home / "work").iterdir()}
    assert len(left) == 2  # its folder and its lock
    with working(service, "second"):
        until(lambda: not left & {*(service.home / "work").iterdir()})


@pytest.mark.slow
def test_a_job_goes_on_within_the_grace_and_a_second_signal_ends_it(service):
    first = check(service, "ends", seconds=2)
    second = check(service, "waits", seconds=600)
    with working(service, grace=60) as worker:
        in_state(service, first, "running")
        _, out = drained(worker)
        assert out.startswith(f"job {first}: done")
    assert service.jobs.job(second).state == "queued"
    with working(service, grace=600) as worker:
        until(lambda: child_of(worker.pid))
        worker.terminate()
        time.sleep(0.5)  # two signals at once are one
        _, out = drained(worker)
        assert out.startswith(f"job {second}: put back")


@pytest.mark.slow
def test_a_worker_that_slept_finds_its_job_taken_and_ends_its_process(service):
    number = check(service, steps=40, seconds=8)
    with working(service, "zombie", lease=2.0) as zombie:
        child = until(lambda: child_of(zombie.pid))
        zombie.send_signal(signal.SIGSTOP)
        with working(service, "other", lease=2.0) as other:
            until(lambda: service.jobs.job(number).owner == "other")
            zombie.send_signal(signal.SIGCONT)
            until(lambda: not runs(child))
            assert in_state(service, number, *ENDED).state == "done"
            assert drained(other)[1].startswith(f"job {number}: done")
        assert f"job {number}: dropped, because another worker has it" in drained(zombie)[1]
    states = [e.data for e in service.jobs.events(number) if e.kind == "state"]
    assert [state["state"] for state in states] == ["queued", "running", "running", "done"]


@pytest.mark.slow
def test_a_job_that_always_crashes_fails_after_three_attempts(service):
    number = check(service, seconds=600)
    hasty = "import acn_eval.service.jobs as jobs; jobs._BACKOFF = 0.01"
    with working(service, code_before=hasty) as w:
        for _ in range(3):
            os.kill(until(lambda: child_of(w.pid)), signal.SIGKILL)
            until(lambda: child_of(w.pid) is None)
        job = in_state(service, number, *ENDED)
    assert (job.state, job.failures, job.attempt) == ("failed", 3, 3)


@pytest.mark.slow
def test_a_database_that_is_away_for_a_while_stops_no_job(service):
    number = check(service, steps=80, seconds=8)
    file, away = service.home / "service.db", service.home / "away.db"
    with working(service, lease=2.0) as worker:
        in_state(service, number, "running")
        file.rename(away)
        file.mkdir()
        time.sleep(5)
        file.rmdir()
        away.rename(file)
        job = in_state(service, number, *ENDED)
        assert drained(worker)[0] == 0
    assert (job.state, job.attempt) == ("done", 1)


@pytest.mark.slow
def test_the_memory_of_a_worker_does_not_grow(service):
    with working(service) as worker:
        sizes = []
        for block in range(3):
            numbers = [check(service, f"{block} {n}", steps=50) for n in range(20)]
            for number in numbers:
                in_state(service, number, "done")
            sizes.append(psutil.Process(worker.pid).memory_info().rss)
    assert sizes[2] - sizes[0] < 2 << 20, sizes


@pytest.mark.slow
def test_many_workers_do_every_job_once(service):
    numbers = [check(service, str(n)) for n in range(100)]
    crew = [start(service, f"w{n}") for n in range(4)]
    jobs = [in_state(service, number, *ENDED) for number in numbers]
    out = "".join(drained(worker)[1] for worker in crew)
    assert {(job.state, job.attempt) for job in jobs} == {("done", 1)}
    assert out.count(": done: ") == 100
