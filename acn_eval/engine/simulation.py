"""What an engine's wall time would be: one driver that hands tasks to workers, simulated."""

import heapq
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

__all__ = ["Load", "saturation", "wall"]

_AHEAD = 2  # tasks per worker that are taken before they are done


class Load(NamedTuple):
    """What one task costs.

    Attributes:
        driver: seconds in which the driver prepares, sends and stores it; one task at a time.
        worker: seconds on a worker.
    """

    driver: float
    worker: float


def wall(tasks: Sequence[Load], workers: int) -> float:
    """Return the seconds until the last of the tasks is done, by workers that are warm.

    The driver prepares task after task, at most two per worker ahead of what is done; the worker
    that is free first takes the next. All workers are equally fast: what they share, such as the
    bandwidth of the memory, makes a run slower than this.

    >>> wall([Load(0, 3)] * 10, 4), wall([Load(1, 3)] * 10, 8)
    (9.0, 13.0)
    """
    return max(_ends(tasks, workers), default=0.0)


def saturation(tasks: Sequence[Load]) -> float:
    """Return how many workers the driver keeps busy; more of them wait for it."""
    driver, worker = sum(own.driver for own in tasks), sum(own.worker for own in tasks)
    return worker / driver if driver else math.inf


def _ends(tasks: Sequence[Load], workers: int) -> Iterator[float]:
    free, under_way, ready = [0.0] * workers, list[float](), 0.0
    for task in tasks:
        if len(under_way) == _AHEAD * workers:
            ready = max(ready, heapq.heappop(under_way))
        ready += task.driver
        end = max(ready, heapq.heappop(free)) + task.worker
        heapq.heappush(free, end)
        heapq.heappush(under_way, end)
        yield end
