"""The simulated wall time is that of cases with a formula, and of a clock that ticks."""

import math
import random
from itertools import pairwise

import pytest

from acn_eval.engine.simulation import Load, saturation, wall


class Clock:
    """Second by second: a driver that prepares, a queue, and workers that take from it."""

    def __init__(self, tasks, workers):
        self.coming, self.queue, self.preparing = list(tasks), [], []
        self.left = [0] * workers

    def moves(self):
        """Hand over what is ready now; whether anything was."""
        under_way = len(self.queue) + sum(seconds > 0 for seconds in self.left)
        if self.preparing and not self.preparing[0].driver:
            self.queue.append(self.preparing.pop().worker)
        elif self.queue and 0 in self.left:
            self.left[self.left.index(0)] = self.queue.pop(0)
        elif self.coming and not self.preparing and under_way < 2 * len(self.left):
            self.preparing.append(self.coming.pop(0))
        else:
            return False
        return True

    def tick(self):
        self.left = [max(seconds - 1, 0) for seconds in self.left]
        self.preparing = [own._replace(driver=own.driver - 1) for own in self.preparing]

    @property
    def runs(self):
        while self.moves():
            pass
        return bool(self.coming or self.queue or self.preparing or any(self.left))


def ticked(tasks, workers):
    clock, seconds = Clock(tasks, workers), 0
    while clock.runs:
        clock.tick()
        seconds += 1
    return seconds


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
