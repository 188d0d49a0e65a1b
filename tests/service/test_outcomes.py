"""How a process ended decides what becomes of its job."""

import pytest

from acn_eval.service.attending import Ended
from acn_eval.service.outcomes import crash, failed, outcome
from tests.service.workers import check

RESULT = {"sentence": "It is good.", "verdict": "pass", "test_set": "eb51"}


def error(name, code):
    return {"error": f"{name}: no", "name": name, "code": code}


@pytest.mark.parametrize(
    ("answer", "state", "failures"),
    [
        ({"result": RESULT, "documents": []}, "done", 0),
        (error("Refused", 2), "refused", 0),
        (error("CheckpointError", 2), "failed", 1),
        (error("ConfigError", 2), "failed", 1),
        (error("TrackingError", 4), "queued", 0),
        (error("MeasureError", 4), "queued", 1),
        (error("OSError", 4), "queued", 1),
    ],
)
def test_an_answer_becomes_a_state(service, tmp_path, answer, state, failures):
    job, claim = claimed(service)
    said, write = outcome(service.jobs, claim, Ended("answered", answer), tmp_path, "")
    write()
    found = service.jobs.job(job)
    assert (found.state, found.failures) == (state, failures)
    assert found.error in (None, f"{answer.get('name')}: no")
    assert said.startswith({"done": "done: It", "queued": ""}.get(state, state))


@pytest.mark.parametrize(
    ("how", "state"),
    [("died", "queued"), ("late", "queued"), ("cancelled", "cancelled"), ("left", "queued")],
)
def test_an_end_without_an_answer_becomes_a_state(service, tmp_path, how, state):
    job, claim = claimed(service)
    _, write = outcome(service.jobs, claim, Ended(how), tmp_path, "SIGKILL")
    write()
    found = service.jobs.job(job)
    assert found.state == state
    assert found.failures == (how in {"died", "late"})


def test_a_job_of_another_worker_is_left_alone(service, tmp_path):
    job, claim = claimed(service)
    said, write = outcome(service.jobs, claim, Ended("lost"), tmp_path, "")
    write()
    assert said == "dropped, because another worker has it"
    assert service.jobs.job(job).state == "running"


def test_documents_of_known_names_are_kept_and_no_link_is_followed(service, tmp_path):
    job, claim = claimed(service)
    (tmp_path / "verdict.json").write_text("{}")
    (tmp_path / "other.txt").write_text("no")
    (tmp_path / "report.html").symlink_to("/etc/hostname")
    answer = {"result": RESULT, "documents": ["verdict.json", "report.html", "other.txt"]}
    outcome(service.jobs, claim, Ended("answered", answer), tmp_path, "")[1]()
    assert service.jobs.document(job, "verdict.json") == b"{}"
    assert service.jobs.document(job, "report.html") is None
    assert service.jobs.document(job, "other.txt") is None


def test_errors_are_shown_without_secrets_and_control_characters(service, tmp_path):
    job, claim = claimed(service)
    answer = error("ConfigError", 2) | {"error": "\x1b[31m http://me:secret@host/ " + "x" * 9000}
    outcome(service.jobs, claim, Ended("answered", answer), tmp_path, "")[1]()
    said = service.jobs.job(job).error
    assert said.startswith("\\x1b[31m http://host/ x")
    assert len(said) <= 2000


def test_a_death_is_told_in_words():
    assert crash(-9, "", "logs/job-1.log") == (
        "SIGKILL. Linux kills so when memory runs out. See logs/job-1.log."
    )
    assert crash(-11, "", "log") == "SIGSEGV. See log."
    assert crash(-50, "", "log") == "signal 50. See log."
    assert crash(1, "KeyError: x", "log") == "exit code 1 (KeyError: x). See log."
    assert crash(0, "", "log") == "exit code 0 (it printed nothing). See log."


def test_a_failure_may_be_final(service):
    job, claim = claimed(service)
    failed(service.jobs, claim, "never", final=True)[1]()
    assert service.jobs.job(job).state == "failed"


def claimed(service):
    return check(service), service.jobs.claim("w")
