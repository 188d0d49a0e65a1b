"""Outcomes are written behind the work: a round trip per outcome would hold all workers up."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Self

from rich.console import Console

from acn_eval.cache.outcomes import OutcomeCache
from acn_eval.errors import AcnEvalError

__all__ = ["WriteBehind"]

_MOST = 128  # outcomes that wait


class WriteBehind:
    """Writes outcomes to a store; to one that is far, from a thread, those that wait at once.

    As a context it ends when all are written, also where the body raises. A second Ctrl-C does not
    wait for that.

    Args:
        store: of the outcomes.
        keep: is told, in the thread of the caller, how much work has been written.
    """

    def __init__(self, store: OutcomeCache, keep: Callable[[int], None]) -> None:
        self._store, self._keep = store, keep
        self._waiting: dict[str, tuple[bytes, int]] = {}
        self._writes: deque[Future[int]] = deque()
        self._asked: SimpleQueue[Future[int] | None] = SimpleQueue()

    def write(self, key: str, content: bytes, cost: int) -> None:
        """Write an outcome of so much work, now or soon.

        Raises:
            ConfigError: the store has other content.
            StoreError: it cannot be written, or an earlier one could not.
        """
        if not self._store.is_far:
            self._store.write(key, content)
            self._keep(cost)
            return
        self._waiting[key] = content, cost
        if not self._writes or self._writes[-1].running() or self._writes[-1].done():
            self._writes.append(Future())  # else the next one takes it
            self._asked.put(self._writes[-1])
        while self._writes and (self._writes[0].done() or len(self._waiting) > _MOST):
            self._keep(self._writes.popleft().result())

    def __enter__(self) -> Self:
        if self._store.is_far:
            # The interpreter waits for the threads of a pool at its end, but not for a daemon.
            Thread(target=self._work, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        reason: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait until all are written."""
        if isinstance(reason, KeyboardInterrupt) and self._writes:
            Console(stderr=True).print("Outcomes are being kept. Ctrl-C again drops them.")
        try:
            with suppress(*[AcnEvalError] if reason else []):
                while self._writes:
                    self._keep(self._writes.popleft().result())
        finally:
            self._waiting.clear()
            self._asked.put(None)

    def _work(self) -> None:
        while write := self._asked.get():
            write.set_running_or_notify_cancel()
            try:
                write.set_result(self._flush())
            except BaseException as exc:  # noqa: BLE001  (the top of a thread)
                write.set_exception(exc)

    def _flush(self) -> int:
        """Write what waits; return its cost. Nothing is tried after a failure."""
        some = {}
        with suppress(KeyError):  # of the last one
            while True:
                key, own = self._waiting.popitem()
                some[key] = own
        try:
            if some:
                self._store.write_all({key: content for key, (content, _) in some.items()})
        except AcnEvalError:
            self._waiting.clear()
            raise
        return sum(cost for _, cost in some.values())
