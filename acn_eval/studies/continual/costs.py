"""What a plan costs, before it is started."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from statistics import median

from acn_eval.models import build, cost
from acn_eval.studies.continual.learner import Learner
from acn_eval.studies.continual.plan import Plan, TaskSequenceRun
from acn_eval.training.threads import fitting_threads

__all__ = ["CourseCost", "costs"]

_WARM, _MEASURED = 2, 5


@dataclass(frozen=True)
class CourseCost:
    """What the seeds of one network and method cost.

    Attributes:
        trainings: how many, of which `done` are stored.
        steps: optimizer steps in all.
        flops: 3 per FLOP of the forward pass of every example that is learned from, remembered
            ones included, 1 of every test image after every task, and 2 of every gradient of a
            single answer that EWC takes.
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


def _cost(name: str, courses: list[TaskSequenceRun], clock: Callable[[], float]) -> CourseCost:
    plan, arch = courses[0].plan, courses[0].arch
    left = [c for c in courses if plan.runtime.store.read(c.address) is None]
    size = (arch.channels, arch.image_size, arch.image_size)
    forward = cost(build(arch), size).flops
    looks = len(plan.test) * len(courses[0].learned)
    example, score = _paces(left[0], clock) if left else (0.0, 0.0)
    return CourseCost(
        name=name,
        trainings=len(courses),
        done=len(courses) - len(left),
        steps=sum(sum(c.steps) for c in courses),
        flops=forward * sum(3 * c.examples + 2 * c.scores + looks for c in courses),
        seconds=sum(example * (c.examples + looks / 3) + score * c.scores for c in left),
    )


def _paces(course: TaskSequenceRun, clock: Callable[[], float]) -> tuple[float, float]:
    """Seconds per example that is learned from, and per score, as they are in the last stage."""
    times = []
    learner = Learner(course)
    with fitting_threads(learner.network, course.plan.suite.batch):
        learner.stage = len(course.lessons) - 1
        for step in range(_WARM + _MEASURED):
            begin = clock()
            shown = learner.batch(step)
            learner.step(shown).item()  # waits for the device
            times.append((clock() - begin) / len(shown.images))
        begin = clock()
        learner.end_task(_MEASURED)
        scores = _MEASURED * shown.columns.shape[1]
        return median(times[_WARM:]), (clock() - begin) / scores
