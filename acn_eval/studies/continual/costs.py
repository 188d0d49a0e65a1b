"""Estimates what a plan costs before it is started."""

import time
from collections.abc import Callable, Sequence
from itertools import groupby
from statistics import median

from acn_eval.inference import Runtime
from acn_eval.models import build, cost
from acn_eval.studies.continual.learner import Learner
from acn_eval.studies.continual.plan import TaskSequenceRun
from acn_eval.study.trainings import TrainingCost
from acn_eval.training.threads import fitting_threads

__all__ = ["costs"]

_WARM, _MEASURED = 2, 5


def costs(
    runs: Sequence[TaskSequenceRun],
    runtime: Runtime,
    clock: Callable[[], float] = time.perf_counter,
) -> list[TrainingCost]:
    """Return what the seeds of every network and method cost, from a few measured steps.

    Remembered images count as training images, test images after every task, and each gradient of
    a single log-probability that EWC takes as 2 forward passes.
    """
    rows = groupby(runs, key=lambda run: run.name.partition(" seed ")[0])
    return [_cost(name, list(own), runtime, clock) for name, own in rows]


def _cost(
    name: str, runs: list[TaskSequenceRun], runtime: Runtime, clock: Callable[[], float]
) -> TrainingCost:
    plan, arch = runs[0].plan, runs[0].arch
    left = [run for run in runs if runtime.store.read(run.address) is None]
    size = (arch.channels, arch.image_size, arch.image_size)
    forward = cost(build(arch), size).flops
    looks = len(plan.test) * len(runs[0].tasks_after)
    example, score = _paces(left[0], runtime, clock) if left else (0.0, 0.0)
    return TrainingCost(
        name=name,
        trainings=len(runs),
        done=len(runs) - len(left),
        steps=sum(sum(run.steps) for run in runs),
        flops=forward * sum(3 * run.examples + 2 * run.scores + looks for run in runs),
        seconds=sum(example * (run.examples + looks / 3) + score * run.scores for run in left),
    )


def _paces(
    run: TaskSequenceRun, runtime: Runtime, clock: Callable[[], float]
) -> tuple[float, float]:
    """Seconds per example that is learned from, and per score, as they are in the last stage."""
    times = []
    learner = Learner(run, runtime)
    with fitting_threads(learner.network, run.plan.suite.batch):
        learner.stage = len(run.stages) - 1
        for step in range(_WARM + _MEASURED):
            begin = clock()
            shown = learner.batch(step)
            learner.step(shown).item()  # waits for the device
            times.append((clock() - begin) / len(shown.images))
        begin = clock()
        learner.end_task(_MEASURED)
        scores = _MEASURED * shown.columns.shape[1]
        return median(times[_WARM:]), (clock() - begin) / scores
