"""Jobs over HTTP: submitted once, listed by pages, cancelled and retried."""

import pytest

from acn_eval.service.settings import Settings


def check(name="", **fields):
    return {"kind": "check", "name": name, **fields}


def submit(client, name=""):
    return client.post("/v1/jobs", json=check(name)).json()


def test_a_request_is_queued_once(client):
    first = client.post("/v1/jobs", json=check("a"))
    second = client.post("/v1/jobs", json=check("a"))
    assert (first.status_code, second.status_code) == (202, 200)
    assert first.headers["location"] == "/v1/jobs/1"
    assert first.json() == second.json() == client.get("/v1/jobs/1").json()
    assert first.json()["request"] == check("a", steps=1, seconds=0.0)
    assert first.json()["created"].endswith("Z")


def test_jobs_are_listed_by_pages_the_latest_first(client):
    for name in "abcde":
        submit(client, name)
    client.delete("/v1/jobs/3")
    first = client.get("/v1/jobs", params={"state": "queued", "limit": 3}).json()
    assert [job["id"] for job in first["items"]] == [5, 4, 2]
    asked = {"state": "queued", "limit": 3, "before": first["next"]}
    last = client.get("/v1/jobs", params=asked).json()
    assert ([job["id"] for job in last["items"]], last["next"]) == ([1], None)


def test_a_job_is_cancelled_and_retried(client, refused):
    submit(client)
    line = refused(409, "POST", "/v1/jobs/1/retry")
    assert line == ("job 1: must be failed, refused or cancelled to be retried; got queued")
    assert client.delete("/v1/jobs/1").json()["state"] == "cancelled"
    assert client.delete("/v1/jobs/1").json()["state"] == "cancelled"
    again = client.post("/v1/jobs/1/retry")
    assert (again.status_code, again.json()["state"]) == (202, "queued")


def test_what_was_found_is_shown(client, service):
    submit(client)
    claim = service.jobs.claim("w")
    found = {"verdict": "pass", "test_set": "f", "sentence": "As good."}
    service.jobs.finish(claim, "done", result=found)
    job = client.get("/v1/jobs/1").json()
    assert (job["state"], job["verdict"], job["asked"]) == ("done", "pass", 1)
    assert job["result"] == found


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (
            {"kind": "chek"},
            "the body: kind must be one of 'check', 'evaluate', 'gate'; got 'chek'",
        ),
        ({"name": "a"}, "the body: must state kind; got {'name': 'a'}"),
        (check(stepz=3), "stepz: is no field of a request. Did you mean steps?"),
        (
            check(steps=0),
            "steps: Input should be greater than or equal to 1; got 0",
        ),
        ([], "the body: must be a mapping of names to values; got []"),
    ],
)
def test_a_wrong_body_is_refused_in_the_line_of_the_command_line(refused, body, line):
    assert refused(422, "POST", "/v1/jobs", json=body) == line


@pytest.mark.parametrize(
    "content",
    [b"{", b"", b"[" * 100_000, b"9" * 5000, b"\xff", b'{"kind": "check", "name": "\\ud800"}'],
)
def test_what_is_no_json_is_refused(client, content):
    answer = client.post("/v1/jobs", content=content, headers={"content-type": "application/json"})
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_number_that_is_none_is_refused(refused):
    line = refused(404, "GET", "/v1/jobs/7")
    assert line.startswith("job 7: must be the number of a job; there is none. ")
    for number in ("0", "x", "9" * 30):
        assert "`number`" in refused(422, "GET", f"/v1/jobs/{number}")
    assert "`model`" in refused(422, "GET", "/v1/jobs?model=a%00")


def test_a_full_queue_takes_nothing(client, service, refused):
    object.__setattr__(service, "settings", Settings(queue=1))
    submit(client, "a")
    line = refused(503, "POST", "/v1/jobs", json=check("b"))
    assert line == "queue: must hold fewer than 1 jobs; got 1. Try again later."
    client.delete("/v1/jobs/1")
    assert client.post("/v1/jobs", json=check("b")).status_code == 202


def test_what_was_sent_again_with_its_key_is_answered_with_its_job(client, service):
    key = {"Idempotency-Key": "k"}
    first = client.post("/v1/jobs", json=check("a"), headers=key).json()["id"]
    service.jobs.finish(service.jobs.claim("w"), "done")
    again = client.post("/v1/jobs", json=check("a"), headers=key)
    assert (again.status_code, again.json()["id"], again.json()["state"]) == (200, first, "done")
    other = client.post("/v1/jobs", json=check("a"))
    assert (other.status_code, other.json()["id"] != first) == (202, True)


@pytest.mark.parametrize("look", [1, 10**6, 2**62])
def test_only_a_profile_counts_its_looks(client, refused, look):
    asked = {"kind": "gate", "candidate": "models:/vit/2", "baseline": "models:/vit/1"}
    assert "look" in refused(422, "POST", "/v1/jobs", json={**asked, "look": look})
    assert client.get("/v1/jobs").json()["items"] == []


def test_a_key_is_for_one_request(client, refused):
    key = {"Idempotency-Key": "k"}
    assert client.post("/v1/jobs", json=check("a"), headers=key).status_code == 202
    assert client.post("/v1/jobs", json=check("a"), headers=key).status_code == 200
    line = refused(422, "POST", "/v1/jobs", json=check("b"), headers=key)
    assert "must belong to one request" in line
    assert len(client.get("/v1/jobs").json()["items"]) == 1
