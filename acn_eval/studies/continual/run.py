"""Continual learning: a unit per training, and a result for each."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from acn_eval.data import Split
from acn_eval.engine.protocol import Show
from acn_eval.inference import CLEAN, Runtime
from acn_eval.models import build, cost
from acn_eval.results import Cell, CheckpointId, EvalResult
from acn_eval.studies.continual.accuracy_matrix import AccuracyMatrix
from acn_eval.studies.continual.findings import SCENARIOS, read_off
from acn_eval.studies.continual.learner import TaskPredictions, paces, train_run
from acn_eval.studies.continual.methods import Joint
from acn_eval.studies.continual.plan import JUDGED, ContinualPlan, TaskSequenceRun
from acn_eval.studies.continual.suite import Continual
from acn_eval.studies.continual.tasks import TASK_STREAM
from acn_eval.study.record import Answer, Subject, in_words, record, training_id
from acn_eval.study.run import Unit
from acn_eval.study.trainings import TrainingCost, TrainingStudy
from acn_eval.training.packed import pack, unpack

__all__ = ["STUDY", "ContinualStudy", "RunUnit"]


class RunUnit(TaskSequenceRun, Unit):
    """One training, and its predictions for the test images after every task."""

    resumes = True

    @property
    def title(self) -> str:
        """Its name in tables."""
        return f"training of {self.name}"

    @property
    def cost(self) -> int:
        """Training steps."""
        return sum(self.steps)

    @classmethod
    def measure(cls, units: Sequence[Self], runtime: Runtime, show: Show) -> Iterator[bytes]:
        """Yield predictions; see `acn_eval.study.run.Unit`.

        Raises:
            MeasureError: a loss is no longer finite.
        """
        for unit in units:
            yield pack(vars(train_run(unit, runtime, show)))


@dataclass(frozen=True)
class ContinualStudy(TrainingStudy[Continual]):
    """Every training of a plan: methods, depths, connectivities, seeds.

    Attributes:
        split: on which networks are tested after every task.
    """

    split: Split = "test"

    @cached_property
    def plan(self) -> ContinualPlan:
        """The suite with its data."""
        selection = self.request.selection
        return ContinualPlan(self.request.suite, selection.root, selection.limit, self.split)

    def units(self) -> list[RunUnit]:
        """Return every training, those of one comparison together, joint training first.

        Raises:
            ConfigError: the classes cannot be cut into so many tasks.
            DataError: the data is not there, or a task has no images.
        """
        suite, profile = self.plan.suite, self.request.runtime.profile()
        methods = sorted(suite.methods, key=lambda method: not isinstance(method, Joint))
        return [
            RunUnit(self.plan, connectivity, depth, method, suite.first_seed + number, profile)
            for method in methods
            for depth in suite.depths
            for connectivity in suite.connectivities
            for number in range(suite.seeds)
        ]

    def assemble(self, outcomes: Sequence[bytes]) -> list[EvalResult]:
        """Return a result per training."""
        return [
            _result(unit, TaskPredictions(**unpack(content)))
            for unit, content in zip(self.units(), outcomes, strict=True)
        ]

    def groups(self, candidates: int = 0) -> list[tuple[slice, slice]]:
        """Return where the seeds of both connectivities lie, for every method and depth."""
        suite = self.plan.suite
        starts = range(0, 2 * suite.seeds * len(suite.methods) * len(suite.depths), suite.seeds)
        sides = [slice(start, start + suite.seeds) for start in starts]
        return list(zip(sides[::2], sides[1::2], strict=True))

    @property
    def scale(self) -> str:
        """Data, sizes and repetitions in one line."""
        plan, suite = self.plan, self.plan.suite
        return (
            f"{plan.train.name}: {suite.tasks} tasks of {len(plan.train.classes) // suite.tasks} "
            f"classes of {len(plan.train):,} images, {suite.seeds} seeds; evaluated on "
            f"{len(plan.test):,} test images after every task"
        )

    def costs(self, clock: Callable[[], float] = time.perf_counter) -> list[TrainingCost]:
        """Return the cost of the seeds of every method, depth and connectivity.

        Remembered images count as training images, test images after every task, and each
        gradient of a single log-probability that EWC takes as 2 forward passes.
        """
        rows = groupby(self.units(), key=lambda run: run.name.partition(" seed ")[0])
        return [self._cost(name, list(own), clock) for name, own in rows]

    def _cost(self, name: str, runs: list[RunUnit], clock: Callable[[], float]) -> TrainingCost:
        runtime, arch = self.request.runtime, runs[0].arch
        left = [run for run in runs if runtime.store.read(run.address) is None]
        forward = cost(build(arch), arch.blank(1)).flops
        looks = len(self.plan.test) * len(runs[0].tasks_after)
        example, score = paces(left[0], runtime, clock) if left else (0.0, 0.0)
        return TrainingCost(
            name=name,
            trainings=len(runs),
            done=len(runs) - len(left),
            steps=sum(run.cost for run in runs),
            flops=forward * sum(3 * run.examples + 2 * run.scores + looks for run in runs),
            seconds=sum(example * (run.examples + looks / 3) + score * run.scores for run in left),
        )


def _result(run: TaskSequenceRun, predictions: TaskPredictions) -> EvalResult:
    plan = run.plan
    predicted, correct = predictions.arrays()
    matrix, images = _matrix(run, predicted), np.bincount(run.tasks.of_class[plan.test.labels])
    seen = {name: AccuracyMatrix(counts / images) for name, counts in matrix.items()}
    exits = [AccuracyMatrix(correct[:, k] / images) for k in range(correct.shape[1])]
    answer = Answer(
        tuple(_cells(run, predicted)),
        warnings=(*plan.test.notes, *_warnings(matrix)),
        details={
            "method": run.method.model_dump(mode="json"),
            "tasks": run.tasks.record(),
            "tasks_learned": run.tasks_after,
            "matrix": {
                "images": images.tolist(),
                **{name: counts.tolist() for name, counts in matrix.items()},
            },
            "exits": correct.tolist(),
            "measures": _measures(seen),
            "charts": _charts(seen, exits),
        },
        beside={"tasks.json": json.dumps(run.tasks.record(), indent=1) + "\n"},
    )
    return record(
        Subject(_identity(run), plan.test, plan.suite.protocol, run.profile.device), answer
    )


def _cells(run: TaskSequenceRun, predicted: NDArray[np.int32]) -> Iterator[Cell]:
    test, last = run.plan.test, run.tasks_after[-1]
    for count, both in zip(run.tasks_after, predicted, strict=True):
        for scenario, answers in zip(SCENARIOS, both, strict=True):
            condition = {**CLEAN, "tasks": count, "scenario": scenario}
            primary = count == last and scenario == "task_il"
            yield Cell.answered(condition, test.ids, test.labels, answers, primary=primary)


def _matrix(run: TaskSequenceRun, predicted: NDArray[np.int32]) -> dict[str, NDArray[np.int64]]:
    """Correct predictions (stages, tasks) by scenario."""
    labels = run.plan.test.labels
    task, count = run.tasks.of_class[labels], len(run.tasks)
    right = predicted == labels
    return {
        scenario: np.array([np.bincount(task[row[i]], minlength=count) for row in right])
        for i, scenario in enumerate(SCENARIOS)
    }


def _measures(seen: Mapping[str, AccuracyMatrix]) -> dict[str, float]:
    return {
        f"{name}, {SCENARIOS[scenario]}": value
        for scenario, matrix in seen.items()
        for name, value in read_off(matrix).items()
    }


def _charts(
    seen: Mapping[str, AccuracyMatrix], exits: Sequence[AccuracyMatrix]
) -> list[dict[str, Any]]:
    """Mean over the tasks so far, accuracy on the first task, and forgetting of every exit."""
    if not seen["task_il"].sequential:
        return []
    lines = {f"tasks so far {SCENARIOS[name]}": found.curve() for name, found in seen.items()}
    lines["first task"] = seen["task_il"].values[:, 0]
    return [
        *(_chart(name, "tasks learned", line, 1) for name, line in lines.items()),
        _chart("forgetting", "exit", [exit.forgetting for exit in exits], 0),
        _chart("average accuracy", "exit", [exit.average for exit in exits], 0),
    ]


def _chart(name: str, x: str, values: Any, first: int) -> dict[str, Any]:
    points = [[first + i, float(value)] for i, value in enumerate(values)]
    return {"name": name, "x": x, "points": points}


def _warnings(matrix: Mapping[str, NDArray[np.int64]]) -> Iterator[str]:
    """Task-IL chooses among fewer classes than class-IL, and is never less accurate."""
    wrong = int((matrix["class_il"] > matrix["task_il"]).sum())
    if wrong:
        yield f"class-IL exceeds task-IL {wrong} times, which is impossible: do not trust this"


def _identity(run: TaskSequenceRun) -> CheckpointId:
    plan, arch, suite = run.plan, run.arch, run.plan.suite
    return training_id(
        run.name,
        f"suite:{suite.name}",
        run.facts,
        arch,
        preprocessing={
            **arch.reads,
            "mean": plan.prepare.mean,
            "std": plan.prepare.std,
        },
        training={
            "seed": run.seed,
            "data_order": TASK_STREAM,
            "paired_seeds": suite.protocol["paired_seeds"],
            "method": run.method.label,
            "recipe": _in_words(run),
            "data": suite.data,
            "data_fingerprint": plan.train.fingerprint,
            "learning_rate": suite.learning_rate,
            "steps": sum(run.steps),
            "examples": run.examples,
        },
    )


def _in_words(run: TaskSequenceRun) -> str:
    """Return the settings that two fair runs share, in one line."""
    hidden = {*JUDGED, "kind", "data", "learning_rate", "augment", "classes"}
    suite = run.plan.suite
    facts = {k: v for k, v in suite.protocol.items() if k not in hidden}
    return in_words({**facts, **suite.augment.model_dump(), "method": run.method.label})


STUDY = ContinualStudy
