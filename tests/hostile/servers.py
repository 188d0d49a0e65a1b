"""Servers on loopback that are no tracking servers, or bad ones, each by what it does."""

import gzip
import json
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import repeat

Answer = Callable[[socket.socket, bytes], None]
"""Gets a connection and the head of a request; what it leaves open is closed."""

CANARY = "\x1b[31m[red]\n::error::owned\x00\u202e<script>](http://x)|\x9b"
MISSING = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such experiment"}
PAGE = b"<!DOCTYPE html><html><title>Welcome to nginx!</title></html>"


def http(status: object, body: bytes = b"", *headers: str) -> bytes:
    length = (
        ()
        if any("ength" in h or "chunked" in h for h in headers)
        else (f"Content-Length: {len(body)}",)
    )
    head = "\r\n".join((f"HTTP/1.1 {status}", *headers, *length, "Connection: close"))
    return head.encode("latin-1") + b"\r\n\r\n" + body


def says(*parts: bytes, every: float = 0.0) -> Answer:
    """Send parts, so many seconds apart."""
    return streams(parts, every=every)


def streams(parts, *, every: float = 0.0) -> Answer:
    def answer(connection: socket.socket, request: bytes) -> None:
        for part in parts:
            connection.sendall(part)
            time.sleep(every)

    return answer


def answers(value: object) -> Answer:
    return says(http("200 OK", json.dumps(value).encode(), "Content-Type: application/json"))


def then(answer: Answer) -> Answer:
    """Answer the first question as MLflow does, and every other one so."""

    def both(connection: socket.socket, request: bytes) -> None:
        known = b"experiments/get-by-name" in request.partition(b"\r\n")[0]
        first = says(http("404 NOT FOUND", json.dumps(MISSING).encode()))
        (first if known else answer)(connection, request)

    return both


def resets(connection: socket.socket, request: bytes) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hangs(connection: socket.socket, request: bytes) -> None:
    with suppress(OSError):
        while connection.recv(1 << 16):
            pass


def bomb(status: str) -> Answer:
    """A gibibyte of zeros, packed where it is asked for."""

    def answer(connection: socket.socket, request: bytes) -> None:
        body = zlib.compress(bytes(1 << 30), 1)
        connection.sendall(http(status, body, "Content-Encoding: deflate"))

    return answer


def refusal(message: str) -> bytes:
    """PostgreSQL's error message of a password that is wrong."""
    fields = f"SFATAL\0VFATAL\0C28P01\0M{message}\0\0".encode()
    return b"E" + struct.pack("!I", len(fields) + 4) + fields


_DEEP = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
_STATUS = (
    "201 Created",
    "204 No Content",
    "400 Bad Request",
    "401 Unauthorized",
    "403 Forbidden",
    "404 Not Found",
    "405 Method Not Allowed",
    "407 Proxy Authentication Required",
    "410 Gone",
    "418 I'm a teapot",
    "429 Too Many Requests",
    "500 Internal Server Error",
    "501 Not Implemented",
    "502 Bad Gateway",
    "503 Service Unavailable",
    "504 Gateway Timeout",
    "599 Whatever",
)
HTTP: dict[str, Answer] = {
    "silent": hangs,
    "closes": says(),
    "resets": resets,
    "noise": says(bytes(range(256)) * 99),
    "ssh": says(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "smtp": says(b"220 mail.example.org ESMTP\r\n"),
    "tls alert": says(b"\x15\x03\x01\x00\x02\x02\x46"),
    "http 2": says(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "http 0.9": says(b"<html>old</html>"),
    "half a status": says(b"HTTP/1.1 2"),
    "status in words": says(b"HTTP/1.1 fine\r\n\r\n"),
    "status of six digits": says(http("200000 OK", b"{}")),
    "status 0": says(http("0 OK", b"{}")),
    "a byte a second": streams(repeat(b"H"), every=0.5),
    "headers for ever, slowly": streams(
        (b"HTTP/1.1 200 OK\r\n", *([b"A: b\r\n"] * 90)), every=0.5
    ),
    "headers for ever": streams((b"HTTP/1.1 200 OK\r\n", *repeat(b"A: b\r\n", 1 << 20))),
    "a header of 8 MB": says(b"HTTP/1.1 200 OK\r\nA: " + bytes(8 << 20)),
    "a body for ever, slowly": streams(
        (http("200 OK", b"", "Content-Length: 999999"), *repeat(b" ", 200)), every=0.5
    ),
    "a body for ever": streams(
        (http("200 OK", b"", "Content-Length: 9999999999999"), *repeat(bytes(1 << 20), 9999))
    ),
    "a body in pieces for ever": streams(
        (http("200 OK", b"", "Transfer-Encoding: chunked"), *repeat(b"1\r\n \r\n", 1 << 24))
    ),
    "a piece of no size": says(http("200 OK", b"xyz\r\n", "Transfer-Encoding: chunked")),
    "a negative length": says(http("200 OK", b"{}", "Content-Length: -5")),
    "a body that is cut": says(http("200 OK", b'{"exp', "Content-Length: 500")),
    "no gzip": says(http("200 OK", b"{}", "Content-Encoding: gzip")),
    "a bomb": bomb("200 OK"),
    "a bomb in a refusal": bomb("403 Forbidden"),
    "gzip of a page": says(http("200 OK", gzip.compress(PAGE), "Content-Encoding: gzip")),
    "unknown encoding": says(http("200 OK", b"{}", "Content-Encoding: br")),
    "page": says(http("200 OK", PAGE, "Content-Type: text/html")),
    "empty": says(http("200 OK")),
    "OK": says(http("200 OK", b"OK")),
    "redirect to itself": says(http("302 Found", b"", "Location: /")),
    "redirect with a body for ever": streams(
        (
            http("301 Moved", b"", "Location: /a", "Content-Length: 999999999999"),
            *repeat(bytes(1 << 20), 9999),
        )
    ),
    "redirect to a file": says(http("307 Temporary", b"", "Location: file:///etc/passwd")),
    "redirect nowhere": says(http("308 Permanent", b"")),
    "come back in a day": says(http("429 Too Many", b"", "Retry-After: 86400")),
    "cut JSON": says(http("200 OK", b'{"experiment": {"experiment_id": "1"')),
    "deep JSON": says(http("200 OK", _DEEP)),
    "no UTF-8": says(http("200 OK", b'{"a": "\xff\xfe"}')),
    "UTF-16": says(http("200 OK", json.dumps({"a": 1}).encode("utf-16"))),
    "a number of 9,999 digits": says(http("200 OK", b'{"experiment": 1' + b"0" * 9999 + b"}")),
    "canary": says(http("200 OK", CANARY.encode())),
    "canary in a refusal": says(
        http("403 Forbidden", json.dumps({"message": CANARY, "error_code": "X"}).encode())
    ),
    "canary in a status": says(f"HTTP/1.1 403 {CANARY[:6]}\r\n\r\n".encode()),
    **{f"HTTP {status}": says(http(status, b"{}")) for status in _STATUS},
    **{
        f"JSON {json.dumps(value):.40}": answers(value)
        for value in (
            None,
            True,
            3,
            1e300,
            "text",
            [],
            [{}],
            {},
            {"experiment": None},
            {"experiment": 3},
            {"experiment": []},
            {"experiment": {}},
            {"experiment": {"experiment_id": 7}},
            {"experiment": {"experiment_id": None}},
            {"error_code": 404},
            {"error_code": "X"},
            {"version": "0.1"},
            {"detail": "Not Found"},
            {"message": "x" * 3_000_000},
        )
    },
    **{
        f"at first as MLflow, then {what}": then(answer)
        for what, answer in {
            "closes": says(),
            "noise": says(bytes(range(256))),
            "page": says(http("200 OK", PAGE)),
            "empty": says(http("200 OK")),
            "a list": answers([]),
            "nothing": answers({}),
            "a word": answers("done"),
            "deep JSON": says(http("200 OK", _DEEP)),
            "wrong types": answers({"experiment_id": {}, "runs": 3, "experiments": "x"}),
            "an id": answers({"experiment_id": "1"}),
            "an id of a canary": answers({"experiment_id": CANARY}),
            "a refusal with a canary": says(
                http("400 Bad", json.dumps({"message": CANARY, "error_code": CANARY}).encode())
            ),
            "no right": says(http("403 Forbidden", b"{}")),
            "an error": says(http("500 Oops", PAGE)),
        }.items()
    },
}
"""What a server does that is asked over HTTP."""

POSTGRES: dict[str, Answer] = {
    "silent": hangs,
    "closes": says(),
    "resets": resets,
    "noise": says(bytes(range(256)) * 9),
    "page": says(http("200 OK", PAGE)),
    "wrong password": says(b"N", refusal('password authentication failed for user "me"')),
    "canary": says(b"N", refusal(CANARY)),
    "a long refusal": says(b"N", refusal("no " * 9000)),
    "asks, and is silent": says(b"N", b"R" + struct.pack("!II", 8, 3), every=30.0),
    "an unknown way to ask": says(b"N", b"R" + struct.pack("!II", 8, 99)),
}
"""What a server does that is asked for a database."""

MALFORMED = (
    "http://", "https://", "http://[x", "http://[::1", "http://]:80", "http://h:99999",
    "http://h:abc", "http://h:-1", "http://a b/", "http://h\n/", "http://h/\x1b[31m", "http://?x",
    "http://#", "http:///path", "http://user:SECRET@", "http://user:SECRET@[x", "http://:80",
    "http://" + "a" * 300, "http://\udc80/", "ftp://h", "file:///tmp", "mlruns", "sqlite://",
    "sqlite:///", "sqlite:///nosuch/runs.db", "sqlite:////", "postgresql", "postgresql:",
    "postgresql://h:abc/x", "postgresql+nosuch://h/x",
    "postgresql+psycopg2://\udc80/x", "mysql://h/x", "mssql", "mysql://me:SECRET@h:x/y", " ", "::",
)  # fmt: skip
"""Addresses that are none."""


@contextmanager
def serving(answer: Answer) -> Iterator[int]:
    """Answer every connection on a port of this machine, which is yielded."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen(64)
        threading.Thread(target=_serve, args=(door, answer), daemon=True).start()
        yield door.getsockname()[1]


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _serve(door: socket.socket, answer: Answer) -> None:
    with suppress(OSError):  # until the door is closed
        while True:
            connection, _ = door.accept()
            threading.Thread(target=_answer, args=(connection, answer), daemon=True).start()


def _answer(connection: socket.socket, answer: Answer) -> None:
    connection.settimeout(40)
    with connection, suppress(OSError):
        answer(connection, connection.recv(1 << 16))
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)
