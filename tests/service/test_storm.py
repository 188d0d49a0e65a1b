"""Whatever is killed, and whenever: every job ends in one result, none is lost, none is twice."""

import os
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from acn_eval.service.jobs import Jobs
from acn_eval.service.requests import Check, Data, Judge
from tests.service.together import ends_of
from tests.service.workers import until, working

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("kills", [4, pytest.param(50, marks=pytest.mark.slow)])
def test_who_claims_is_killed_and_every_job_is_done_once(either, kills):
    jobs, count = Jobs(either), 5 * kills
    for number in range(count):
        jobs.submit(Check(name=str(number)), by="me")
    address = either.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.service.storm", address, str(kills)]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    ended = jobs.page(limit=count + 1)
    assert len(ended) == count
    for job in ended:
        assert (job.state, ends_of(jobs, job)) == ("done", ["done"])
        assert job.result["attempt"] == job.attempt
        assert jobs.document(job.id, "report.html") == job.result["by"].encode()
    assert sorted(job.asked for job in ended) == list(range(1, count + 1))


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_eight_workers_do_a_thousand_checks_and_twenty_gates_once(either, service, tiny, tmp_path):
    service = replace(service, database=either)
    jobs = service.jobs
    for number in range(20):
        judge = Judge(
            candidate=str(tiny / "tiny_ac.pt"),
            baseline=str(tiny / "tiny_res.pt"),
            data=Data(name="digits", limit=40 + number),
        )
        jobs.submit(judge, by="me")
    for number in range(1000):
        jobs.submit(Check(name=str(number)), by="me")
    with ExitStack() as stack:
        for own in range(8):
            stack.enter_context(working(service, f"w{own}", settings={"roots": [str(tiny)]}))
        until(lambda: not {"queued", "running"} & jobs.counts().keys(), 2900)
    assert jobs.counts() == {"done": 1020}
    for job in jobs.page(limit=2000):
        assert (job.attempt, ends_of(jobs, job)) == (1, ["done"])
