"""Limits: on bytes before memory, on seconds, and on turns."""

import contextlib
import socket
import threading
from contextlib import contextmanager
from dataclasses import replace

import pytest
import uvicorn

from acn_eval.service.access.tokens import Tokens
from acn_eval.service.api import create_app, limits
from acn_eval.service.settings import Settings


@contextmanager
def served(app):
    """Serve an app with a real server; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def sent(port, *parts):
    """Send parts of a request over a socket, and return everything that comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as link:
        with contextlib.suppress(OSError):  # the server need not listen to the end
            for part in parts:
                link.sendall(part)
        answer = b""
        with contextlib.suppress(OSError):
            while part := link.recv(2**16):
                answer += part
    return answer.decode()


HEAD = b"POST /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


def test_bodies_have_limits_of_bytes_and_seconds(service, monkeypatch):
    monkeypatch.setattr(limits, "_BODY_SECONDS", 0.3)
    chunk = b"10000\r\n" + b" " * 2**16 + b"\r\n"
    with served(create_app(service)) as port:
        large = sent(port, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 40)
        slow = sent(port, HEAD + b"Content-Length: 9\r\n\r\n", b"{")
    assert large.startswith("HTTP/1.1 413 ")
    assert "the body: must have at most 1,048,576 bytes; got more" in large
    assert slow.startswith("HTTP/1.1 408 ")
    assert "connection: close" in slow.lower()


def test_headers_and_addresses_have_limits(refused):
    line = refused(431, "GET", "/v1/jobs", headers={"X-A": "a" * 2**15})
    assert line.startswith("headers: must have at most 32,768 bytes; got ")
    line = refused(414, "GET", "/v1/jobs", params={"model": "a" * 9000})
    assert line.startswith("address: must have at most 8,192 bytes; got ")


@pytest.fixture
def few(asking, service):
    """A client that has two requests a minute, without and with a token."""
    return asking(replace(service, settings=Settings(requests_per_minute=2)))


def test_an_address_waits_for_its_turn(few):
    answers = [few.get("/v1/jobs") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["detail"] == "requests: must be at most 2 a minute. Wait for 30 s."
    assert answers[2].headers["retry-after"] == "30"
    assert few.get("/healthz").status_code == 200


def test_an_accepted_token_has_turns_of_its_own(few, service):
    own = {"Authorization": f"Bearer {Tokens(service.database).create('ci', 'read')}"}
    wrong = {"Authorization": "Bearer acn_no"}
    assert few.get("/v1/jobs", headers=own).status_code == 200
    assert [few.get("/v1/jobs", headers=wrong).status_code for _ in range(2)] == [401, 429]
    assert [few.get("/v1/jobs", headers=own).status_code for _ in range(3)] == [200, 200, 429]


def test_an_invented_token_has_no_turns_of_its_own(few, service):
    Tokens(service.database).create("ci", "read")
    invented = {"Authorization": "Bearer acn_no"}
    assert [few.get("/openapi.json").status_code for _ in range(3)] == [200, 200, 429]
    assert few.get("/healthz", headers=invented).status_code == 200
    assert few.get("/openapi.json", headers=invented).status_code == 429


def test_a_token_that_is_written_differently_is_the_same(few, service):
    token = Tokens(service.database).create("ci", "read")
    written = (f"Bearer {token}", f"bearer   {token}", f"BEARER {token} ", f"Bearer  {token}")
    codes = [few.get("/v1/jobs", headers={"Authorization": own}).status_code for own in written]
    assert codes == [200, 200, 200, 429]


def test_a_bucket_fills_again_and_old_ones_are_forgotten(monkeypatch):
    monkeypatch.setattr(limits, "_KNOWN", 2)
    now = [0.0]
    turns = limits._Turns(2, lambda: now[0])
    scope = {"client": ("a", 1), "headers": []}
    assert [turns.take(scope) for _ in range(3)] == [0, 0, 30]
    now[0] = 29.0
    assert turns.take(scope) == 1
    now[0] = 30.0
    assert turns.take(scope) == 0
    for address in "bc":
        turns.take({"client": (address, 1), "headers": []})
    assert turns.take(scope) == 0
