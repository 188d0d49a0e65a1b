"""Events of jobs: numbered, taken up again, ended with the job."""

import json
import threading
from typing import ClassVar

import anyio
import pytest

from acn_eval.service.api.events import _follow
from acn_eval.service.jobs import Jobs


@pytest.fixture
def claim(client, service):
    client.post("/v1/jobs", json={"kind": "check", "steps": 2})
    return service.jobs.claim("w")


def told(lines):
    """(id, event) of a stream of lines."""
    fields = [line.partition(": ")[::2] for line in lines if line]
    events = [value for name, value in fields if name == "event"]
    return list(zip((int(v) for name, v in fields if name == "id"), events, strict=True))


def test_a_stream_ends_with_the_job(client, service, claim):
    service.jobs.beat(claim, (1, 2))
    service.jobs.finish(claim, "done")
    answer = client.get("/v1/jobs/1/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert told(answer.text.splitlines()) == [
        (1, "state"),
        (2, "state"),
        (3, "progress"),
        (4, "state"),
    ]
    assert '"done":1,"total":2' in answer.text


def test_a_stream_shows_what_happens_meanwhile(client, service, claim):
    with client.stream("GET", "/v1/jobs/1/events") as answer:
        ended = threading.Thread(target=service.jobs.finish, args=(claim, "done"))
        ended.start()
        assert told(answer.iter_lines())[-1] == (3, "state")
    ended.join()


class Raced(Jobs):
    """A queue in which a job is retried right after its state was read, once."""

    states: ClassVar[list[str]] = []

    def job(self, number):
        held = super().job(number)
        self.retry(number) if not self.states else self.cancel(number)
        self.states.append(held.state)
        return held


def test_a_job_that_is_retried_between_two_reads_is_followed_on(client, service, claim):
    service.jobs.cancel(1)
    service.jobs.release(claim)

    async def told():
        return [event.raw_data async for event in _follow(Raced(service.database), 1, 2)]

    states = [json.loads(data)["data"]["state"] for data in anyio.run(told)]
    assert states == ["cancelled", "queued", "cancelled"]


def test_a_stream_is_taken_up_again(client, service, claim):
    service.jobs.finish(claim, "done")
    answer = client.get("/v1/jobs/1/events", headers={"Last-Event-ID": "2"})
    assert told(answer.text.splitlines()) == [(3, "state")]
    answer = client.get("/v1/jobs/1/events", headers={"Last-Event-ID": "3"})
    assert (answer.status_code, answer.content) == (204, b"")


def test_streams_are_limited_and_give_their_places_back(client, service, claim, refused):
    service.jobs.finish(claim, "done")
    client.app.state.streams = 99
    assert client.get("/v1/jobs/1/events").status_code == 200
    assert client.app.state.streams == 99
    client.app.state.streams = 100
    assert refused(503, "GET", "/v1/jobs/1/events").startswith("streams: must be at most 100")
    assert client.app.state.streams == 100


def test_there_are_no_events_of_no_job(refused, claim):
    refused(404, "GET", "/v1/jobs/9/events")
    refused(422, "GET", "/v1/jobs/1/events", headers={"Last-Event-ID": "x"})
