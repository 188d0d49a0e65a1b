"""What people do to jobs is looked at first, and noted with their name."""

from dataclasses import replace

import pytest
from starlette.exceptions import HTTPException

from acn_eval.errors import CheckpointError
from acn_eval.service.access import acts
from acn_eval.service.access.audit import Audit
from acn_eval.service.access.tokens import Principal
from acn_eval.service.records import Target
from acn_eval.service.requests import Check, Judge
from acn_eval.service.settings import Profile, Settings
from tests.service.versions import submit_version

CI = Principal("ci", "submit")


@pytest.fixture
def service(app):
    return app.state.service


def test_what_is_done_is_noted_once_and_with_a_name(service):
    job, new = acts.submit(service, CI, Check())
    again, newer = acts.submit(service, CI, Check())
    assert (new, newer, again.id) == (True, False, job.id)
    assert job.submitted_by == "ci"
    acts.cancel(service, Principal("ops", "submit"), job.id)
    assert acts.retry(service, CI, job.id).state == "queued"
    noted = [(own.who, own.what, own.detail) for own in Audit(service.database).page()]
    assert noted == [
        ("ci", "job retried", "job 1"),
        ("ops", "job cancelled", "job 1"),
        ("ci", "job submitted", "job 1"),
    ]


def test_what_is_refused_is_not_queued(service):
    with pytest.raises(CheckpointError):
        acts.submit(service, CI, Judge(candidate="file:///etc/passwd", baseline="models:/vit/2"))
    assert service.jobs.page() == []


def test_whoever_retries_a_promotion_may_promote(service):
    profile = Profile(name="night", baseline="previous", promote="champion")
    service = replace(service, settings=Settings(profiles=(profile,)))
    target = Target(profile="night", model="vit", version=1, created_ms=0)
    submit_version(service.jobs, Check(), target)
    service.jobs.fail(service.jobs.claim("w"), "it broke", final=True)
    with pytest.raises(HTTPException, match="scope: must be promote; got submit"):
        acts.retry(service, CI, 1)
    assert service.jobs.job(1).state == "failed"
    assert acts.retry(service, Principal("boss", "promote"), 1).state == "queued"
