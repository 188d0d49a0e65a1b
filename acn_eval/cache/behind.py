"""Outcomes are written behind the work: a round trip per outcome would hold all workers up."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import Self

from acn_eval.cache.outcomes import OutcomeCache
from acn_eval.errors import AcnEvalError

__all__ = ["WriteBehind"]

_MOST = 128  # outcomes that wait


class WriteBehind:
    """Writes outcomes to a store; to one that is far, from a thread, those that wait at once.

    As a context it ends when all are written, also where the body raises.

    Args:
        store: of the outcomes.
        keep: is told, in the thread of the caller, how much work has been written.
    """

    def __init__(self, store: OutcomeCache, keep: Callable[[int], None]) -> None:
        self._store, self._keep = store, keep
        self._waiting: dict[str, tuple[bytes, int]] = {}
        self._writes: deque[Future[int]] = deque()
        self._pool = ThreadPoolExecutor(1)

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
            self._writes.append(self._pool.submit(self._flush))  # else the next one takes it
        while self._writes and (self._writes[0].done() or len(self._waiting) > _MOST):
            self._keep(self._writes.popleft().result())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        reason: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait until all are written."""
        with self._pool, suppress(*[AcnEvalError] if reason else []):
            while self._writes:
                self._keep(self._writes.popleft().result())

    def _flush(self) -> int:
        """Write what waits; return its cost. Nothing is tried after a failure."""
        some = {}
        while self._waiting:
            key, own = self._waiting.popitem()
            some[key] = own
        try:
            if some:
                self._store.write_all({key: content for key, (content, _) in some.items()})
        except AcnEvalError:
            self._waiting.clear()
            raise
        return sum(cost for _, cost in some.values())
