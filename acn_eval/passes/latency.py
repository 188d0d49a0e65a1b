"""How long a network really takes: median and 95th percentile of warm runs."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from acn_eval.passes.precision import Numeric, running

__all__ = ["Latency", "latency"]

_FEWEST = 3
_LEAST = 10
_MOST = 100
_SLOW = 1.0  # seconds for ten runs: more is a slow network


@dataclass(frozen=True)
class Latency:
    """Wall time of one forward pass of a batch, warm.

    Attributes:
        batch: images.
        median_ms, p95_ms: milliseconds per batch.
        runs: that were timed.
    """

    batch: int
    median_ms: float
    p95_ms: float
    runs: int


def latency(
    network: Callable[[Tensor], Tensor],
    images: Tensor,
    numeric: Numeric,
    *,
    seconds: float = 0.1,
    clock: Callable[[], float] = time.perf_counter,
) -> Latency:
    """Time a network on one batch (batch, channels, size, size), after three runs to warm up.

    It is timed for about so many seconds: 10 runs at least, 100 at most. A network so slow that
    ten runs take more than a second is warm after two, and timed for that second: 3 runs at
    least.
    """
    times: list[float] = []

    def run() -> float:
        start = clock()
        _finished(network, images)
        return clock() - start

    with running(numeric, images.device):
        run()
        slow = run() > _SLOW / _LEAST
        if not slow:
            run()
        least = _FEWEST if slow else _LEAST
        enough = max(seconds, _SLOW) if slow else seconds
        while len(times) < least or (sum(times) < enough and len(times) < _MOST):
            times.append(run())
    median, p95 = (1000 * float(np.quantile(times, q)) for q in (0.5, 0.95))
    return Latency(len(images), median, p95, len(times))


def _finished(network: Callable[[Tensor], Tensor], images: Tensor) -> None:
    """Run it to its end: a GPU only takes orders, and would be timed with those before."""
    network(images)
    if images.device.type == "cuda":
        torch.cuda.synchronize(images.device)
