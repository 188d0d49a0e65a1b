"""The simulated wall time is that of cases with a formula, and of a clock that ticks."""

import math
import random
from itertools import pairwise

import pytest

from acn_eval.engine.simulation import Load, saturation, wall


def ticked(tasks, workers):
    """Second by second: a driver that prepares, a queue, and workers that take from it."""
    coming, queue, left, preparing, clock = list(tasks), [], [0] * workers, None, 0
    while coming or queue or preparing or any(left):
        while True:
            room = 2 * workers - len(queue) - sum(seconds > 0 for seconds in left)
            if preparing is None and coming and room:
                preparing = list(coming.pop(0))
            if preparing and not preparing[0]:
                queue.append(preparing[1])
                preparing = None
            idle = [k for k in range(workers) if not left[k]]
            if queue and idle:
                left[idle[0]] = queue.pop(0)
            elif not (preparing is None and coming and room):
                break
        clock += 1
        left = [max(seconds - 1, 0) for seconds in left]
        if preparing:
            preparing[0] -= 1
            if not preparing[0]:
                queue.append(preparing[1])
                preparing = None
    return clock


@pytest.mark.parametrize("seed", range(60))
def test_it_is_what_a_clock_that_ticks_finds(seed):
    draw = random.Random(seed)
    workers, most = draw.choice([1, 2, 3, 5]), draw.choice([1, 3])
    tasks = [
        Load(draw.randint(0, most), draw.randint(1, 9)) for _ in range(draw.choice([1, 7, 30]))
    ]
    assert wall(tasks, workers) == ticked(tasks, workers)


@pytest.mark.parametrize("workers", [1, 2, 3, 7, 256])
@pytest.mark.parametrize("count", [0, 1, 6, 100])
def test_equal_tasks_of_a_driver_that_costs_nothing_come_in_rounds(count, workers):
    assert wall([Load(0, 5)] * count, workers) == 5 * math.ceil(count / workers)


@pytest.mark.parametrize(("driver", "worker"), [(1, 16), (2, 32), (1, 64)])
def test_more_workers_than_the_driver_keeps_busy_gain_nothing(driver, worker):
    tasks = [Load(driver, worker)] * 500
    most = worker // driver
    assert saturation(tasks) == most
    walls = [wall(tasks, n) for n in (1, 2, 4, 8, 16, 32, 64, 128, 256)]
    assert all(after <= before for before, after in pairwise(walls))
    bound = 500 * driver + worker  # the driver never waits
    assert {wall(tasks, most * k) for k in (2, 4, 8)} == {bound}
    assert wall(tasks, most // 4) == pytest.approx(500 * worker / (most // 4), rel=0.05)


def test_a_driver_that_costs_nothing_is_never_the_limit():
    assert saturation([Load(0, 1)]) == math.inf


def test_the_last_task_is_waited_for():
    assert wall([Load(0, 1)] * 8 + [Load(0, 10)], 4) == 12
    assert wall([Load(0, 10)] + [Load(0, 1)] * 8, 4) == 10
