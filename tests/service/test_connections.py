"""Connections that ask for nothing end, and keep nobody out until then."""

import socket
from contextlib import ExitStack

import pytest

from acn_eval.service.connections import Connection
from tests.service.serving import until
from tests.service.test_serving import address, here

ASKED = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def connect(service):
    """Call it for a connection to a real server."""
    with ExitStack() as opened:
        said = opened.enter_context(here(service))
        port = int(address(said).rpartition(":")[2])

        def made(*parts):
            link = opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            for part in parts:
                link.sendall(part)
            return link

        yield made


def ended(link):
    """Send bytes of headers until nobody takes them."""
    try:
        link.sendall(b"a")
    except OSError:
        return True
    return False


def test_headers_that_do_not_come_end_a_connection(connect, monkeypatch):
    monkeypatch.setattr(Connection, "seconds", 0.2)
    assert connect().recv(9) == b""
    first = connect(ASKED)
    assert first.recv(99).startswith(b"HTTP/1.1 200 ")
    for link in (connect(ASKED[:-2] + b"X-A: "), first):
        until(lambda link=link: ended(link), 10)


def test_idle_connections_leave_room(connect, monkeypatch):
    monkeypatch.setattr(Connection, "most", 3)
    links = [connect(ASKED[:9]) for _ in range(12)]
    assert connect(ASKED).recv(99).startswith(b"HTTP/1.1 200 ")
    until(lambda: sum(map(ended, links)) >= 9, 10)
