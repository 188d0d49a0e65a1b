"""Connections of clients: those that ask for nothing end, and keep nobody out until then."""

import asyncio
import math
import os
from typing import ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["Connection"]


class Connection(H11Protocol):
    """A connection whose headers must be here in time.

    Attributes:
        seconds: from when it is made, or from the first byte of a further request, until then.
        most: connections at once; a further one takes the place of the idle one that ends next.
    """

    seconds: ClassVar[float] = 20.0
    most: ClassVar[int] = min(os.sysconf("SC_OPEN_MAX") // 2, 1000)  # files are needed elsewhere
    _late: asyncio.TimerHandle | None = None

    @property
    def until(self) -> float:
        """When it ends by itself, in seconds of the loop's clock; never while it is answered."""
        timer = self._late or self.timeout_keep_alive_task
        return timer.when() if timer else math.inf

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for headers."""
        super().connection_made(transport)
        self._wait()
        if len(self.connections) > self.most:
            held = (own for own in self.connections if isinstance(own, Connection))
            min(held, key=lambda own: own.until).end()

    def data_received(self, data: bytes) -> None:
        """Read a part of a request."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._wait()
        else:
            self._wait_no_more()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self._wait_no_more()
        super().connection_lost(exc)

    def end(self) -> None:
        """End it at once."""
        self._wait_no_more()
        self._unset_keepalive_if_required()
        self.transport.abort()

    def _wait(self) -> None:
        if self._late is None:  # a byte now and then gains no time
            self._late = self.loop.call_later(self.seconds, self.end)

    def _wait_no_more(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
