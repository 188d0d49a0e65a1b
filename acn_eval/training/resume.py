"""The state of a training in progress, in a store: whoever begins it again goes on from there."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pickle import UnpicklingError
from typing import Any, ClassVar, Protocol, TypeVar

from acn_eval.engine.environment import Environment
from acn_eval.engine.protocol import Show
from acn_eval.errors import MeasureError
from acn_eval.inference.runtime import Runtime
from acn_eval.tally import quietly
from acn_eval.training.interrupts import interrupts_held_back
from acn_eval.training.packed import pack, unpack

__all__ = ["Resumable", "Resume", "state_key"]

_UNFIT: tuple[type[Exception], ...] = (
    *(UnpicklingError, EOFError, RuntimeError),
    *(LookupError, ValueError, TypeError, AttributeError),
)


class Resumable(Protocol):
    """A training that tells, between two steps, all that decides its rest."""

    @property
    def done(self) -> int:
        """Steps that are done."""

    def state(self) -> dict[str, Any]:
        """Return tensors and plain types; randomness is keyed by step and has no state."""

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned, in a training that has just begun."""


T = TypeVar("T", bound=Resumable)


@dataclass
class Resume:
    """Keeps the state of one training; as it is by default, nowhere.

    A state is written once a minute, at most a twentieth of the time, and at Ctrl-C. It is not
    trusted: what another environment or version has written, or does not fit, is left aside, and
    the training begins anew. It needs no lock: two that train the same write the same.

    Attributes:
        runtime: whose store keeps it.
        address: of what the training is for; "" keeps nothing.
        show: shows the steps that are done, and those that are kept.
        cost: of a step, in the unit that is shown.
        every: seconds between two states, at least.
        apart: times what a state takes to be written pass before the next one, at least.
    """

    every: ClassVar[float] = 60.0
    apart: ClassVar[float] = 20.0

    runtime: Runtime | None = None
    address: str = ""
    show: Show = quietly
    cost: int = 1
    _kept: int = field(default=0, init=False)
    _next: float = field(default=0.0, init=False)

    def begin(self, fresh: Callable[[], T]) -> T:
        """Return a training that has just begun or, where its state is kept, goes on."""
        training, state = fresh(), self._read()
        if state is not None:
            try:
                training.restore(state)
            except _UNFIT:
                return fresh()
            self._kept = training.done
            self.tell(training.done)
        return training

    @contextmanager
    def following(self) -> Iterator[Callable[[Resumable], None]]:
        """Yield what is called after every step; Ctrl-C waits for it, and keeps the state."""
        self._next = time.monotonic() + self.every
        with interrupts_held_back() as interrupted:

            def after(training: Resumable) -> None:
                if interrupted():
                    self._write(training)
                    raise KeyboardInterrupt
                if time.monotonic() >= self._next:
                    self._write(training)

            yield after
            if interrupted():
                raise KeyboardInterrupt

    def tell(self, done: int) -> None:
        """Show how many steps are done."""
        self.show(done * self.cost, self._kept * self.cost)

    def _read(self) -> dict[str, Any] | None:
        if not (self.runtime and self.address):
            return None
        content = self.runtime.store.read(state_key(self.address))
        with suppress(*_UNFIT):
            kept = unpack(content) if content else {}
            if kept.get("environment") == self._environment:
                state: dict[str, Any] = kept["training"]
                return state
        return None

    def _write(self, training: Resumable) -> None:
        if not (self.runtime and self.address and self.runtime.store.writable):
            return
        begin = time.monotonic()
        kept = {"environment": self._environment, "training": training.state()}
        with suppress(MeasureError):  # a store that is full takes the resume, not the training
            self.runtime.store.write(state_key(self.address), pack(kept))
            self._kept = training.done
        now = time.monotonic()
        self._next = now + max(self.every, self.apart * (now - begin))
        self.tell(training.done)

    @property
    def _environment(self) -> dict[str, Any]:
        assert self.runtime is not None
        return asdict(Environment.here(self.runtime.device))


def state_key(address: str) -> str:
    """Return the key of the state of what an address names."""
    return f"{address}-state"
