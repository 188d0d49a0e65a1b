"""The client, against the real app and against servers that misbehave."""

import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from acn_eval.client import Check, Client, Evaluate
from acn_eval.errors import ConfigError, MeasureError, TrackingError
from acn_eval.service.answers import EventAnswer
from acn_eval.service.api import create_app
from acn_eval.service.database import Database
from acn_eval.service.service import Service
from acn_eval.service.settings import Settings
from acn_eval.service.tables import METADATA
from acn_eval.stores import TrackingStore
from tests.service.served import served

NOWHERE = TrackingStore("http://127.0.0.1:9")


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("service")
    database = Database.at(f"sqlite:///{folder / 'service.db'}")
    METADATA.create_all(database.engine)
    return Service(Settings(), database, NOWHERE, folder, "http://127.0.0.1:8000")


@pytest.fixture(scope="module")
def address(service):
    with served(create_app(service)) as address:
        yield address


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr("acn_eval.client._PAUSE", 0.001)
    monkeypatch.delenv("ACN_EVAL_TOKEN", raising=False)


@pytest.fixture
def client(address):
    return Client(address)


@pytest.fixture
def jobs(service):
    return service.jobs


def check(request, number=0):
    """A request of its own for every test."""
    return Check(name=f"{request.node.name} {number}")


def test_a_job_is_submitted_once_and_shown(request, client):
    job = client.submit(check(request))
    assert (job.state, job.request) == ("queued", check(request))
    assert client.submit(check(request)) == job
    assert client.job(job.id) == job


def test_all_pages_are_read(request, client):
    made = [client.submit(check(request, number)).id for number in range(5)]
    for number in made[:3]:
        client.cancel(number)
    found = [job.id for job in client.jobs(states=["queued"], page=1)]
    assert [number for number in found if number in made] == [made[4], made[3]]
    assert [job.id for job in client.jobs(page=2)] == sorted(
        (job.id for job in client.jobs()), reverse=True
    )


def test_a_cancelled_job_is_retried(request, client):
    job = client.submit(check(request))
    assert client.cancel(job.id).state == "cancelled"
    assert client.retry(job.id).state == "queued"
    with pytest.raises(ConfigError, match=rf"^job {job.id}: must be failed, .*; got queued$"):
        client.retry(job.id)


def test_events_end_with_the_job(request, client, jobs):
    job = client.submit(check(request))
    found, ended = [], threading.Event()

    def read():
        found.extend(client.events(job.id))
        ended.set()

    threading.Thread(target=read, daemon=True).start()
    finish(jobs, job.id)
    assert ended.wait(20)
    states = [event.data["state"] for event in found if event.kind == "state"]
    assert states == ["queued", "running", "done"]
    assert [event.data for event in found if event.kind == "progress"] == [{"done": 1, "total": 2}]
    after = found[1].id
    assert [event.id for event in client.events(job.id, after=after)] == [
        event.id for event in found if event.id > after
    ]
    assert list(client.events(job.id, after=found[-1].id)) == []


def test_waiting_ends_with_the_job_or_with_the_time(request, client, jobs):
    job = client.submit(check(request))
    with pytest.raises(MeasureError, match=f"job {job.id}: must end within 0.2 s; it is queued"):
        client.wait(job.id, timeout=0.2)
    threading.Timer(0.2, finish, (jobs, job.id)).start()
    assert client.wait(job.id, timeout=20).state == "done"


def finish(jobs, number):
    """Do all that waits, up to a job."""
    while claim := jobs.claim("worker"):
        jobs.beat(claim, (1, 2))
        jobs.finish(claim, "done", result={"sentence": "ok"})
        if claim.id == number:
            return


def test_the_line_of_the_service_is_the_error(client):
    with pytest.raises(ConfigError, match=r"^job 999999: must be the number of a job; there is n"):
        client.job(999999)
    with pytest.raises(ConfigError, match="must be an address of this service"):
        client._read(Evaluate, "GET", "/v1/nothing")


@pytest.mark.parametrize(
    "url", ["ftp://a", "127.0.0.1:8000", "http://", "http://a:b", "http://u:p@a", "http://a\n", ""]
)
def test_an_address_that_is_none_is_refused(url, monkeypatch):
    monkeypatch.setenv("ACN_EVAL_SERVER", "nothing")
    with pytest.raises(ConfigError, match="`server`: must be http://HOST:PORT; got"):
        Client(url)


def test_a_token_that_is_none_is_refused_and_never_shown():
    with pytest.raises(ConfigError, match="`token`") as caught:
        Client("http://a", "x\ny")
    assert "x" not in str(caught.value).replace(
        "`token`: must be what `acn-eval token create`", ""
    )
    assert "secret" not in repr(Client("http://a", "secret"))


class _Answers(BaseHTTPRequestHandler):
    """Sends the next of `answers`: status, headers and body; and keeps what it was sent."""

    def do_GET(self):
        own = self.server
        own.asked.append((self.path, dict(self.headers)))
        status, headers, body = own.answers.pop(0) if own.answers else (500, {}, b"")
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_DELETE = do_GET

    def log_message(self, *arguments):
        pass


@contextmanager
def answering(*answers):
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    server.asked, server.answers = [], [*answers]
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def shown(request, client):
    """A job, as the service shows it."""
    return client.submit(check(request)).model_dump_json().encode()


def test_a_busy_server_is_asked_again(shown):
    busy = (429, {"Retry-After": "0"}, b"")
    with answering(busy, (503, {}, b""), (200, {}, shown)) as (url, asked):
        assert Client(url).job(1).state == "queued"
    assert len(asked) == 3


def test_a_server_that_stays_busy_says_so_in_its_own_line():
    body = b'{"title": "", "status": 503, "detail": "queue: must hold fewer than 2 jobs"}'
    with (
        answering(*[(503, {}, body)] * 9) as (url, asked),
        pytest.raises(TrackingError, match=r"^queue: must hold fewer than 2 jobs$"),
    ):
        Client(url).job(1)
    assert len(asked) == 4


def test_the_token_goes_to_the_server_alone(shown, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("default login evil password evil")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ACN_EVAL_TOKEN", "acn_1_secret")
    with answering((200, {}, shown)) as (other, reached):
        monkeypatch.setenv("HTTP_PROXY", other)
        moved = (302, {"Location": f"{other}/v1/jobs/1"}, b"")
        said = "must be a service of acn-eval; got HTTP 302"
        with answering(moved) as (url, asked), pytest.raises(ConfigError, match=said):
            Client(url).job(1)
    assert asked[0][1]["Authorization"] == "Bearer acn_1_secret"
    assert reached == []


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"<html>", b"[" * 100_000, b"null", b'{"id": "x"}', b"\xff"]
)
def test_rubbish_is_an_error_of_the_server_in_one_line(body):
    with answering(*[(200, {}, body)] * 4) as (url, _):
        for ask in (Client(url).job, Client(url).verdict):
            if (ask.__name__, body) == ("verdict", b'{"id": "x"}'):
                continue
            with pytest.raises(TrackingError, match="must answer as a service of acn-eval; got"):
                ask(1)


def test_an_answer_without_end_is_cut(monkeypatch):
    monkeypatch.setattr("acn_eval.client.JSON_BYTES", 1000)
    with (
        answering(*[(200, {}, b" " * 10_000)] * 4) as (url, _),
        pytest.raises(TrackingError, match="an answer of more than 1,000 bytes"),
    ):
        Client(url).job(1)


def test_a_server_that_is_away_is_named_once(address):
    with answering() as (url, _):
        pass
    begun = time.monotonic()
    with pytest.raises(TrackingError, match=f"^{url}: must be a service that answers; got "):
        Client(url).job(1)
    with pytest.raises(TrackingError, match="must be a service that answers"):
        list(Client(url).events(1))
    assert time.monotonic() - begun < 10


def event(number, state):
    data = EventAnswer(id=number, job=1, at=0, kind="state", data={"state": state})
    return f"id: {number}\nevent: state\ndata: {data.model_dump_json()}\n\n".encode()


def chunk(content):
    return b"%x\r\n%b\r\n" % (len(content), content)


def test_a_stream_that_breaks_is_taken_up_where_it_broke(shown):
    stream = {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"}
    whole, cut = event(7, "queued"), event(8, "running")[:30]
    broken = (200, stream, chunk(whole + b": still here\n\n") + chunk(cut))
    rest = (200, stream, chunk(event(8, "running") + event(9, "done")) + chunk(b""))
    with answering(broken, (503, {}, b""), rest) as (url, asked):
        found = list(Client(url).events(1, after=6))
    assert [each.id for each in found] == [7, 8, 9]
    assert [headers["Last-Event-ID"] for _, headers in asked] == ["6", "7", "7"]
