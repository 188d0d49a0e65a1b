"""What is read about jobs: pages, counts, and events of which a reader misses none."""

import pytest

from acn_eval.errors import ConfigError
from acn_eval.service.jobs import Jobs
from acn_eval.service.requests import Check, Evaluate
from tests.service.together import at_once


@pytest.fixture
def jobs(either):
    return Jobs(either)


def submit(jobs, name):
    return jobs.submit(Check(name=name), by="me")[0]


def test_pages_and_counts(jobs):
    made = [submit(jobs, str(number)) for number in range(5)]
    jobs.finish(jobs.claim("w"), "done")
    assert jobs.counts() == {"done": 1, "queued": 4}
    assert [job.id for job in jobs.page(limit=2)] == [made[4].id, made[3].id]
    assert [job.id for job in jobs.page(limit=2, before=made[3].id)] == [made[2].id, made[1].id]
    assert [job.id for job in jobs.page(states=("done",))] == [made[0].id]
    with pytest.raises(ConfigError, match=r"job 99: must be the number of a job; there is none"):
        jobs.job(99)


def test_a_reader_of_all_events_misses_none(jobs):
    """Numbers appear in their order, although transactions overlap."""
    read, ended = [], []

    def work(own):
        if own == 0:
            while len(ended) < 4 or jobs.events(after=read[-1] if read else 0):
                read.extend(e.id for e in jobs.events(after=read[-1] if read else 0))
        else:
            for number in range(4):
                submit(jobs, f"{own} {number}")
                if claim := jobs.claim(f"w{own}"):
                    jobs.finish(claim, "done")
            ended.append(own)

    at_once(5, work)
    assert read == [event.id for event in jobs.events()]
    assert len(read) == 48


def test_a_request_survives_the_database(jobs):
    request = Evaluate(candidates=("models:/vit/3", "Ünïcödé 'quoted' \\ \u0001"))
    jobs.submit(request, by="me")
    assert jobs.claim("w").request == request
