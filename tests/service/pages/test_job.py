"""One job: its rules, its events and its report."""

from acn_eval.service.requests import Check
from tests.service.pages.conftest import client_of
from tests.service.pages.reading import Page
from tests.service.pages.rows import REFUSED


def test_a_job_shows_its_rules_its_events_and_its_report(shown, numbers):
    number = numbers["version 3"]
    page = Page(shown(f"/jobs/{number}"))
    for said in ("FAIL", "mean corrupted", "gaussian 0.4", "started by lab-3:4711, attempt 1"):
        assert said in page.text
    assert "done, verdict: FAIL" in page.text
    assert "asked 3 times" in page.text
    assert "Against the anchor: FAIL. It is worse than the anchor." in page.text
    assert "Look 3 of its profile, judged at alpha = 0.05: alpha is spent" in page.text
    assert f"/jobs/{number}/report" in page.links()
    assert not any("hx-get" in found for found in page.every("div"))
    running = Page(shown(f"/jobs/{numbers['running']}"))
    assert any("hx-get" in found for found in running.every("div"))
    assert REFUSED in Page(shown(f"/jobs/{numbers['refused']}")).text


def test_a_report_can_do_nothing(filled, numbers):
    answer = client_of(filled[0]).get(f"/jobs/{numbers['version 3']}/report")
    assert "All of it" in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "allow" not in policy


def test_a_verdict_of_another_version_is_said_and_hides_nothing_else(service):
    service.jobs.submit(Check(), by="alice")
    claim = service.jobs.claim("lab:1")
    result = {"verdict": "pass", "sentence": "It is fine."}
    documents = {"verdict.json": b'{"gate": "of old", "verdict": "pass"}'}
    service.jobs.finish(claim, "done", result=result, documents=documents)
    page = Page(client_of(service).get(f"/jobs/{claim.id}").text)
    assert "PASS It is fine." in page.text
    assert "must be a verdict of this version" in page.text
    assert not page.every("table")
