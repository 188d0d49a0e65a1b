"""Carries out a plan: every course that is not stored is trained; one result each."""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from acn_eval.corruptions import NOISE_VERSION
from acn_eval.errors import ConfigError
from acn_eval.inference import CLEAN
from acn_eval.models import build, cost
from acn_eval.results import Cell, CheckpointId, EvalResult
from acn_eval.studies.continual.accuracy_matrix import AccuracyMatrix
from acn_eval.studies.continual.findings import SCENARIOS, read_off
from acn_eval.studies.continual.learner import TaskPredictions, train_run
from acn_eval.studies.continual.plan import JUDGED, Plan, TaskSequenceRun
from acn_eval.studies.continual.tasks import TASK_STREAM
from acn_eval.study.request import Request
from acn_eval.tally import Progress, Tally
from acn_eval.versions import versions

__all__ = ["BothSides", "impossible", "run_plan"]


@dataclass(frozen=True)
class BothSides:
    """Results of one method at one depth: one per seed and side."""

    candidates: list[EvalResult]
    baselines: list[EvalResult]


def run_plan(plan: Plan, progress: Progress = lambda done, total: None) -> list[BothSides]:
    """Train what is missing, and return one pair of sides per method and depth.

    Raises:
        MeasureError: a loss is no longer finite.
    """
    courses = plan.courses()
    total = sum(sum(course.steps) for course in courses)
    with Tally(total, "training steps", progress) as counter:
        found = [_result(course, train_run(course, counter)) for course in courses]
    plan.runtime.store.trim()
    pairs = zip(courses, found, strict=True)
    return [
        _sides(plan, [result for _, result in own])
        for _, own in groupby(pairs, key=lambda pair: (pair[0].method.label, pair[0].depth))
    ]


def impossible(matrix: Mapping[str, NDArray[np.int64]]) -> int:
    """Count where class-IL beats task-IL: with fewer wrong answers to choose from, none can be.

    Args:
        matrix: right answers (stages, tasks) by scenario.
    """
    return int((matrix["class_il"] > matrix["task_il"]).sum())


def _sides(plan: Plan, results: list[EvalResult]) -> BothSides:
    return BothSides(results[: plan.suite.seeds], results[plan.suite.seeds :])


def _result(course: TaskSequenceRun, looks: TaskPredictions) -> EvalResult:
    plan = course.plan
    predicted, correct = looks.arrays()
    matrix, images = _matrix(course, predicted), _images(course)
    seen = {name: AccuracyMatrix(counts / images) for name, counts in matrix.items()}
    exits = [AccuracyMatrix(correct[:, k] / images) for k in range(correct.shape[1])]
    return EvalResult(
        checkpoint=_identity(course),
        data=plan.test.id,
        suite=plan.suite.protocol,
        seed=0,
        precision="fp32",
        device=plan.runtime.device.type,
        noise_version=NOISE_VERSION,
        noise_digest="",
        certificate={},
        versions=versions("acn-eval", "torch", "numpy"),
        cells=tuple(_cells(course, predicted)),
        skipped=(),
        created_ms=time.time_ns() // 1_000_000,
        warnings=(*plan.test.notes, *_warnings(matrix)),
        details={
            "method": course.method.model_dump(mode="json"),
            "tasks": course.tasks.record(),
            "train_run": course.learned,
            "matrix": {
                "images": images.tolist(),
                **{name: counts.tolist() for name, counts in matrix.items()},
            },
            "exits": correct.tolist(),
            "measures": _measures(seen),
            "charts": _charts(seen, exits),
        },
    )


def _cells(course: TaskSequenceRun, predicted: NDArray[np.int32]) -> Iterator[Cell]:
    test, last = course.plan.test, course.learned[-1]
    for count, both in zip(course.learned, predicted, strict=True):
        for scenario, answers in zip(SCENARIOS, both, strict=True):
            condition = {**CLEAN, "tasks": count, "scenario": scenario}
            primary = count == last and scenario == "task_il"
            yield Cell.answered(condition, test.ids, test.labels, answers, primary=primary)


def _matrix(course: TaskSequenceRun, predicted: NDArray[np.int32]) -> dict[str, NDArray[np.int64]]:
    """Right answers (stages, tasks) by scenario."""
    labels = course.plan.test.labels
    task, count = course.tasks.of_class[labels], len(course.tasks)
    right = predicted == labels
    return {
        scenario: np.array([np.bincount(task[row[i]], minlength=count) for row in right])
        for i, scenario in enumerate(SCENARIOS)
    }


def _images(course: TaskSequenceRun) -> NDArray[np.int64]:
    tasks = course.tasks
    return np.bincount(tasks.of_class[course.plan.test.labels], minlength=len(tasks))


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
    wrong = impossible(matrix)
    if wrong:
        yield f"class-IL beats task-IL {wrong} times, which cannot be: do not trust this result"


def _identity(course: TaskSequenceRun) -> CheckpointId:
    plan, arch = course.plan, course.arch
    suite = plan.suite
    spent = cost(build(arch), (arch.channels, arch.image_size, arch.image_size))
    text = json.dumps(course.facts, sort_keys=True, default=list)
    return CheckpointId(
        name=course.name,
        uri=f"suite:{suite.name}",
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        arch=arch.model_dump(mode="json"),
        parameters=spent.parameters,
        flops=spent.flops,
        preprocessing={
            "size": arch.image_size,
            "channels": arch.channels,
            "mean": plan.prepare.mean,
            "std": plan.prepare.std,
        },
        training={
            "seed": course.seed,
            "data_order": TASK_STREAM,
            "paired_seeds": suite.protocol["paired_seeds"],
            "method": course.method.label,
            "recipe": _in_words(course),
            "data": suite.data,
            "data_fingerprint": plan.train.fingerprint,
            "learning_rate": suite.learning_rate,
            "steps": sum(course.steps),
            "examples": course.examples,
        },
    )


def _in_words(course: TaskSequenceRun) -> str:
    """Return what two fair courses have in common, in one line."""
    hidden = {*JUDGED, "kind", "data", "learning_rate", "augment", "classes"}
    suite = course.plan.suite
    facts = {k: v for k, v in suite.protocol.items() if k not in hidden}
    facts |= {**suite.augment.model_dump(), "method": course.method.label}
    return ", ".join(f"{name} {value}" for name, value in sorted(facts.items()) if value)


def _refused(request: Request[Any]) -> NoReturn:
    """Refuse: it is not made of units yet."""
    raise ConfigError(
        f"{request.suite.name}: learns tasks in turn. Run it with `acn-eval continual`."
    )


STUDY = _refused
