"""`acn-eval jobs` against a running service."""

import json
import os

import pytest

from acn_eval.service.records import Target
from acn_eval.service.requests import Check, Judge
from tests.service.versions import submit_version

JUDGE = Judge(candidate="models:/vit/3", baseline="models:/vit/2")


@pytest.fixture
def job(jobs, request):
    return jobs.submit(Check(name=request.node.name), by="ada")[0]


def test_jobs_are_listed_the_latest_first(call, jobs, job):
    submit_version(jobs, JUDGE, Target("main", "vit", 3, 1))
    code, out, _ = call("jobs", "--limit", 2)
    head, first, second = out.splitlines()
    assert code == 0
    assert head.split() == ["job", "state", "what", "asked", "by", "since"]
    assert first.split()[1:6] == ["queued", "main:", "vit", "version", "3"]
    assert second.split()[:4] == [str(job.id), "queued", "check", job.request.name]


def test_a_list_may_be_of_a_state_or_a_model(call, jobs, job):
    submit_version(jobs, JUDGE, Target("main", "bert", 1, 1))
    jobs.cancel(job.id)
    ids = [line.split()[0] for line in call("jobs", "--state", "cancelled")[1].splitlines()[1:]]
    assert str(job.id) in ids
    assert len(call("jobs", "--model", "bert")[1].splitlines()) == 2
    assert call("jobs", "--model", "nobody")[1].startswith("No job. Submit one: acn-eval submit")


def test_a_job_is_shown_with_what_it_found(call, jobs, job):
    while (claim := jobs.claim("worker")).id != job.id:
        jobs.release(claim)
        jobs.cancel(claim.id)
    result = {"verdict": "pass", "sentence": "as good", "test_set": "d", "runs": {"k": "0f3a"}}
    jobs.finish(claim, "done", result=result)
    code, out, _ = call("jobs", "show", job.id)
    assert (code, out.splitlines()[0]) == (0, "PASS: as good")
    assert "runs in MLflow: 0f3a" in out
    assert "verdicts about this test set: 1" in out
    code, out, _ = call("jobs", "show", job.id, "--json", "-")
    assert (code, json.loads(out)["result"]) == (0, result)
    _, out, err = call("jobs", "cancel", job.id)
    assert (out, err) == (
        "PASS: as good\n",
        f"nothing was cancelled, because job {job.id} has ended\n",
    )


def test_a_job_is_cancelled_and_retried(call, refused, job):
    command = ("jobs", "--server", "http://127.0.0.1:9", "show", job.id, "--server")
    assert call(*command, os.environ["ACN_EVAL_SERVER"])[0] == 0
    assert call("jobs", "cancel", job.id)[1] == f"job {job.id}: cancelled\n"
    assert call("jobs", "retry", job.id)[1] == f"job {job.id}: queued\n"
    assert f"job {job.id}: must be failed, refused or cancelled" in refused(
        2, "jobs", "retry", job.id
    )
    assert "job 99999: must be the number of a job" in refused(2, "jobs", "show", 99999)


def test_foreign_text_is_rendered(call, jobs, job):
    jobs.submit(Check(name="\x1b[31mred\u202e"), by="eve\x07")
    assert not {"\x1b", "\u202e", "\x07"} & set(call("jobs", "--limit", 1)[1])
