"""Reports and verdicts of jobs."""

from acn_eval.service.requests import Check


def test_documents_are_those_that_the_job_left(client, service, refused):
    service.jobs.submit(Check(), by="me")
    line = refused(404, "GET", "/v1/jobs/1/report")
    assert line == "job 1: must have left report.html; it has none, or none yet"
    left = {"report.html": b"<p>\xc3\xa9", "verdict.json": b'{"verdict": "pass"}'}
    service.jobs.finish(service.jobs.claim("w"), "done", documents=left)
    report, verdict = (client.get(f"/v1/jobs/1/{name}") for name in ("report", "verdict"))
    assert report.text == "<p>é"
    policy = report.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none';")
    assert "script" not in policy
    assert report.headers["x-content-type-options"] == "nosniff"
    assert verdict.json() == {"verdict": "pass"}
