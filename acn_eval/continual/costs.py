"""What a plan costs, before it is started."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from statistics import median

from acn_eval.continual.learner import Learner
from acn_eval.continual.plan import Course, Plan
from acn_eval.models import build, cost
from acn_eval.training.threads import fitting_threads

__all__ = ["CourseCost", "costs"]

_WARM, _MEASURED = 2, 5


@dataclass(frozen=True)
class CourseCost:
    """What the seeds of one network and method cost.

    Attributes:
        trainings: how many, of which `done` are stored.
        steps: optimiser steps in all.
        flops: 3 per FLOP of the forward pass of every example of the tasks, and 1 of every test
            image after every task.
        seconds: estimated for what is not done, from a few measured steps.
    """

    name: str
    trainings: int
    done: int
    steps: int
    flops: int
    seconds: float


def costs(plan: Plan, clock: Callable[[], float] = time.perf_counter) -> list[CourseCost]:
    """Return what every row costs; a few steps of each are measured, and nothing is kept."""
    rows = groupby(plan.courses(), key=lambda course: course.name.partition(" seed ")[0])
    return [_cost(name, list(courses), clock) for name, courses in rows]


def _cost(name: str, courses: list[Course], clock: Callable[[], float]) -> CourseCost:
    plan, arch = courses[0].plan, courses[0].arch
    left = [c for c in courses if plan.place.store.read(c.address) is None]
    size = (arch.channels, arch.image_size, arch.image_size)
    forward = cost(build(arch), size).flops
    steps = {course.seed: sum(course.steps) for course in courses}
    shown = len(plan.test) * len(courses[0].learned)
    pace = _seconds_per_step(left[0], clock) if left else 0.0
    per_step = 3 * plan.suite.batch
    seconds = sum(pace * (steps[c.seed] + shown / per_step) for c in left)
    return CourseCost(
        name=name,
        trainings=len(courses),
        done=len(courses) - len(left),
        steps=sum(steps.values()),
        flops=forward * sum(per_step * n + shown for n in steps.values()),
        seconds=seconds,
    )


def _seconds_per_step(course: Course, clock: Callable[[], float]) -> float:
    times = []
    with fitting_threads(course.arch, course.plan.suite.batch):
        learner = Learner(course)
        for step in range(_WARM + _MEASURED):
            begin = clock()
            learner.step(learner.batch(step)).item()  # waits for the device
            times.append(clock() - begin)
    return median(times[_WARM:])
