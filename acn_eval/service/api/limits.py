"""What a request may take before any route sees it: bytes, seconds, and its turn.

Everything counts in this process alone: behind several servers the limits add up.
"""

import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus

import anyio
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from acn_eval.service.api.problems import problem

__all__ = ["Limits"]

_BODY_BYTES = 2**20
_BODY_SECONDS = 20.0
_HEADER_BYTES = 2**15
_ADDRESS_BYTES = 2**13
_KNOWN = 10_000  # addresses and tokens, of which the earliest seen are forgotten
_UNCOUNTED = {"/healthz", "/readyz"}  # asked by machines that decide whether it lives


class _TooLarge(Exception):
    """A body has more bytes than it may."""


class _Gone(Exception):
    """The client has left before all of its body was here."""


class Limits:
    """An ASGI application around another one.

    Args:
        app: the other one.
        per_minute: requests of one token, or of one address without a token that was accepted.
        clock: seconds that never go back.
    """

    def __init__(
        self, app: ASGIApp, per_minute: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app, self._turns = app, _Turns(per_minute, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that passes a limit; hand on any other, with its whole body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})  # where `principal_of` says that a token is right
        wait = 0.0 if scope["path"] in _UNCOUNTED else self._turns.take(scope)
        if wait:
            most = self._turns.per_minute
            line = f"requests: must be at most {most:,} a minute. Wait for {wait:.0f} s."
            again = {"Retry-After": f"{wait:.0f}"}
            await problem(HTTPStatus.TOO_MANY_REQUESTS, line, again)(scope, receive, send)
        elif why := _too_long(scope):
            await problem(*why)(scope, receive, send)
        else:
            await self._with_body(scope, receive, self._noting(scope, send))

    async def _with_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        close = {"Connection": "close"}  # what is left of the body is not read
        try:
            with anyio.fail_after(_BODY_SECONDS):
                body = await _body(receive)
        except TimeoutError:
            line = f"the body: must be here within {_BODY_SECONDS:.0f} s"
            await problem(HTTPStatus.REQUEST_TIMEOUT, line, close)(scope, receive, send)
        except _TooLarge:
            line = f"the body: must have at most {_BODY_BYTES:,} bytes; got more"
            answer = problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, line, close)
            await answer(scope, receive, send)
        except _Gone:
            return
        else:
            await self._app(scope, _again(body, receive), send)

    def _noting(self, scope: Scope, send: Send) -> Send:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start" and scope["state"].get("token_accepted"):
                self._turns.accept(scope)
            await send(message)

        return sent


class _Turns:
    """A bucket of requests per token and address, which fills again within a minute.

    Only a token that was accepted has a bucket of its own: inventing tokens wins nothing.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float]) -> None:
        self.per_minute, self._clock = per_minute, clock
        self._buckets: OrderedDict[bytes, tuple[float, float]] = OrderedDict()

    def take(self, scope: Scope) -> float:
        """Take a turn, or return for how many seconds to wait."""
        token = _token(scope)
        key = token if token in self._buckets else _address(scope)
        now, rate = self._clock(), self.per_minute / 60.0
        left, since = self._buckets.pop(key, (float(self.per_minute), now))
        left = min(left + (now - since) * rate, float(self.per_minute))
        self._keep(key, left - 1.0 if left >= 1.0 else left, now)
        return 0.0 if left >= 1.0 else math.ceil((1.0 - left) / rate)

    def accept(self, scope: Scope) -> None:
        """Give the token of a request a bucket of its own."""
        token = _token(scope)
        if token not in self._buckets:
            self._keep(token, float(self.per_minute), self._clock())

    def _keep(self, key: bytes, left: float, now: float) -> None:
        self._buckets[key] = (left, now)
        while len(self._buckets) > _KNOWN:
            self._buckets.popitem(last=False)


def _token(scope: Scope) -> bytes:
    """Return a digest of the token of a request, however it is written; empty without."""
    text = Headers(scope=scope).get("authorization", "").partition(" ")[2].strip()
    return hashlib.sha256(text.encode()).digest() if text else b""


def _address(scope: Scope) -> bytes:
    return (scope.get("client") or ("unknown", 0))[0].encode()


def _too_long(scope: Scope) -> tuple[HTTPStatus, str] | None:
    headers = sum(len(name) + len(value) for name, value in scope["headers"])
    if headers > _HEADER_BYTES:
        line = f"headers: must have at most {_HEADER_BYTES:,} bytes; got {headers:,}"
        return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, line
    address = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    if address > _ADDRESS_BYTES:
        line = f"address: must have at most {_ADDRESS_BYTES:,} bytes; got {address:,}"
        return HTTPStatus.REQUEST_URI_TOO_LONG, line
    return None


async def _body(receive: Receive) -> bytes:
    """Return the whole body, of which no header is believed how long it is."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > _BODY_BYTES:
            raise _TooLarge
        if not message.get("more_body"):
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
