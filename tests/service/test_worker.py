"""Workers are processes, and so are their jobs: what ends one leaves the others alone."""

from tests.service.workers import check, drained, in_state, until, working

ENDED = ("done", "failed", "cancelled", "refused")


def test_jobs_are_done_in_their_order_and_a_drained_worker_ends(service):
    numbers = [check(service, name) for name in "abc"]
    with working(service) as worker:
        jobs = [in_state(service, number, *ENDED) for number in numbers]
        code, out = drained(worker)
    assert code == 0
    assert [job.state for job in jobs] == ["done"] * 3
    assert [line.split(" after ")[0] for line in out.splitlines()] == [
        f"job {number}: done: The worker did 1 step." for number in numbers
    ]
    assert sorted(job.finished for job in jobs) == [job.finished for job in jobs]
    assert [*(service.home / "work").iterdir()] == []


def test_a_job_that_is_cancelled_ends_with_its_process(service):
    number = check(service, seconds=600)
    with working(service, lease=2) as worker:
        in_state(service, number, "running")
        until(lambda: child_of(worker.pid))
        child = child_of(worker.pid)
        service.jobs.cancel(number)
        job = in_state(service, number, *ENDED)
        assert job.state == "cancelled"
        until(lambda: not runs(child))


def child_of(pid):
    """The process of the job that a worker does."""
    found = until_read(f"/proc/{pid}/task/{pid}/children").split()
    return int(found[0]) if found else None


def until_read(path):
    with open(path) as file:
        return file.read()


def runs(pid):
    try:
        return until_read(f"/proc/{pid}/stat").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
