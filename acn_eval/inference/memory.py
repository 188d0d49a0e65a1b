"""Batches that are halved where memory runs out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import torch

from acn_eval.errors import MeasureError

__all__ = ["Batches"]

_Found = TypeVar("_Found")


@dataclass
class Batches:
    """The size of the batches of one pass in examples; it only ever shrinks."""

    size: int
    device: torch.device

    def halving(self, run: Callable[[int], _Found]) -> _Found:
        """Return ``run(size)``, tried again with half the size as often as memory runs out.

        Raises:
            MeasureError: not even one example fits.
        """

        def once(size: int) -> Iterator[_Found]:
            yield run(size)

        return next(self.halving_each(once))

    def halving_each(self, run: Callable[[int], Iterator[_Found]]) -> Iterator[_Found]:
        """Yield from ``run(size)``, and again with half the size as often as memory runs out.

        Raises:
            MeasureError: not even one example fits.
        """
        while True:
            try:
                yield from run(self.size)
                return
            except (RuntimeError, MemoryError) as exc:
                if not _out_of_memory(exc):
                    raise
                reason = exc if self.size == 1 else None
            if reason is not None:
                msg = f"{self.device}: memory must hold a forward pass of one example; {reason}"
                raise MeasureError(msg) from reason
            self.size //= 2
            if self.device.type == "cuda":
                torch.cuda.empty_cache()


def _out_of_memory(exc: RuntimeError | MemoryError) -> bool:
    kinds = MemoryError, torch.OutOfMemoryError
    return isinstance(exc, kinds) or "not enough memory" in str(exc)
