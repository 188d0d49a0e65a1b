"""Wall time of networks: warm runs in rounds, and whether other programs disturbed them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from acn_eval.inference.precision import Numeric, running
from acn_eval.inputs import Batch

__all__ = ["Latency", "Timed", "latencies", "latency"]

_FEWEST = 3
_LEAST = 10
_MOST = 100
_SLOW = 1.0  # seconds for ten runs: more is a slow network
_ROUNDS = 2
_MOST_ROUNDS = 4
_ALIKE = 1.25  # ratio of the medians of two rounds on a quiet machine


@dataclass(frozen=True)
class Latency:
    """Wall time of one forward pass of a batch, warm.

    Attributes:
        batch: examples.
        median_ms, p95_ms: milliseconds per batch, over the rounds that agree.
        runs: that were timed in those rounds.
        steady: whether two rounds agree with the fastest one. If not, something else kept the
            machine busy, and the times are not usable.
    """

    batch: int
    median_ms: float
    p95_ms: float
    runs: int
    steady: bool = True


@dataclass
class Timed:
    """One network on one batch as it reads it, and its rounds so far."""

    network: Callable[[Any], object]
    inputs: Batch
    rounds: list[list[float]] = field(default_factory=list)

    def settled(self) -> bool:
        """Whether enough rounds agree with the fastest."""
        return len(self._calm()) >= _ROUNDS

    def latency(self) -> Latency:
        """Return what the rounds that agree say."""
        times = [t for own in self._calm() for t in own]
        median, p95 = (1000 * float(np.quantile(times, q)) for q in (0.5, 0.95))
        return Latency(len(self.inputs), median, p95, len(times), self.settled())

    def _calm(self) -> list[list[float]]:
        """Rounds near the fastest: other programs can only make a round slower."""
        medians = [float(np.median(own)) for own in self.rounds]
        return [
            own
            for own, median in zip(self.rounds, medians, strict=True)
            if median <= _ALIKE * min(medians)
        ]


def latency(
    network: Callable[[Any], object], inputs: Batch, numeric: Numeric, **timing: Any
) -> Latency:
    """Time one network; see `latencies`."""
    return latencies([Timed(network, inputs)], numeric, **timing)[0]


def latencies(
    timed: Sequence[Timed],
    numeric: Numeric,
    *,
    seconds: float = 0.1,
    clock: Callable[[], float] = time.perf_counter,
) -> list[Latency]:
    """Time networks in turn, round by round, so that a disturbance affects all of them alike.

    Each is timed for about so many seconds in two rounds of 10 to 100 runs, after three runs to
    warm up. A network so slow that ten runs take more than a second is warm after two runs, and
    is timed for that second, at least 3 runs. Networks whose rounds differ get up to four rounds.
    """
    for number in range(_MOST_ROUNDS):
        for own in timed:
            if number < _ROUNDS or not own.settled():
                with running(numeric, own.inputs.device):
                    own.rounds.append(_round(own, seconds / _ROUNDS, clock))
    return [own.latency() for own in timed]


def _round(timed: Timed, seconds: float, clock: Callable[[], float]) -> list[float]:
    def run() -> float:
        start = clock()
        _finished(timed)
        return clock() - start

    run()
    slow = run() > _SLOW / _LEAST
    if not slow:
        run()
    least = _FEWEST if slow else _LEAST
    enough = max(seconds, _SLOW / _ROUNDS) if slow else seconds
    times: list[float] = []
    while len(times) < least or (sum(times) < enough and len(times) < _MOST):
        times.append(run())
    return times


def _finished(timed: Timed) -> None:
    """Run to the end: a GPU only queues work, which later runs would be timed with."""
    timed.network(timed.inputs)
    if timed.inputs.device.type == "cuda":
        torch.cuda.synchronize(timed.inputs.device)
