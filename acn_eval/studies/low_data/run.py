"""Trains what a plan asks for and is not yet stored; every network is shown the test images."""

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from acn_eval.corruptions import NOISE_VERSION
from acn_eval.errors import ConfigError
from acn_eval.inference import CLEAN, OutcomeCache
from acn_eval.inference.outputs import outputs
from acn_eval.models import Encoder, build
from acn_eval.models.cost import Cost, cost
from acn_eval.results import Cell, CheckpointId, EvalResult
from acn_eval.studies.low_data.draws import STREAM
from acn_eval.studies.low_data.plan import Group, Plan, RecipeSide, Training, decides
from acn_eval.studies.low_data.subsets import details, records, warnings
from acn_eval.study.record import cell_of
from acn_eval.study.request import Request
from acn_eval.tally import Progress, Tally
from acn_eval.training import Recipe, TrainingJob, train_all
from acn_eval.versions import versions

__all__ = ["Learned", "learn", "price", "stored"]

_OUTCOME = np.dtype(
    [("id", np.int64), ("predicted", np.int32), ("confidence", np.float32), ("loss", np.float32)]
)
"""What is kept per training and test image."""
_VALUES = ("predicted", "confidence", "loss")


@dataclass(frozen=True)
class Learned:
    """What became of a plan: one result per side and draw, and the subsets that they saw.

    Attributes:
        subsets: by draw, plain JSON: content hashes and ids, the same for both sides.
    """

    candidates: list[EvalResult]
    baselines: list[EvalResult]
    subsets: dict[int, list[dict[str, Any]]]


def learn(plan: Plan, progress: Progress = lambda done, total: None) -> Learned:
    """Carry out a plan: a training that is stored is not done again."""
    with Tally(plan.steps, "training steps", progress) as counter:
        candidates, baselines = (
            [_result(plan, arm, draw, counter) for draw in plan.subsets] for arm in plan.arms
        )
    plan.runtime.store.trim()
    return Learned(candidates, baselines, records(plan.subsets))


def stored(plan: Plan, group: Group) -> NDArray[np.void] | None:
    """Return the outcomes (trainings, n) of a group that are in the store, or None."""
    content = plan.runtime.store.read(_address(plan, group))
    if content is None:
        return None
    return np.frombuffer(content, _OUTCOME).reshape(len(group), len(plan.test))


def price(recipe: Recipe) -> Cost:
    """Return what one forward pass of one image costs."""
    arch = recipe.arch
    return cost(build(arch), (arch.channels, arch.image_size, arch.image_size))


def _address(plan: Plan, group: Group) -> str:
    """Everything that decides the outcomes of trainings that are stepped as one."""
    lessons = [
        [decides(t.lesson.recipe), t.subset.learned.fingerprint, t.subset.held_out.fingerprint]
        for t in group
    ]
    return OutcomeCache.key(
        ["learned v1", lessons, plan.test.fingerprint, plan.runtime.device.type]
    )


def _outcomes(plan: Plan, group: Group, counter: Tally) -> NDArray[np.void]:
    """Return the outcomes (trainings, n) of a group: from the store, or from trainings now."""
    found = stored(plan, group)
    if found is None:
        lessons = [training.lesson for training in group]
        networks = train_all(lessons, plan.runtime.device, counter.show)
        pairs = zip(networks, lessons, strict=True)
        found = np.stack([_shown(plan, network, job) for network, job in pairs])
        plan.runtime.store.write(_address(plan, group), found.tobytes())
    counter.add(len(group) * plan.suite.steps)
    return found


def _shown(plan: Plan, network: Encoder, job: TrainingJob) -> NDArray[np.void]:
    """Show the test images to a network; outcomes (n,)."""
    test, batches = plan.test, plan.runtime.batches()
    outcomes = np.empty(len(test), _OUTCOME)
    outcomes["id"] = test.ids
    name = f"seed {job.recipe.seed} of low-data training"
    for where, logits in outputs(network, test, job.prepare, batches, name=name):
        labels = torch.from_numpy(test.labels[where]).to(logits.device)
        confidence, predicted = logits.softmax(1).max(1)
        losses = cross_entropy(logits, labels, reduction="none")
        for field, values in zip(_VALUES, (predicted, confidence, losses), strict=True):
            outcomes[field][where] = values.cpu().numpy()
    return outcomes


def _result(plan: Plan, arm: RecipeSide, draw: int, counter: Tally) -> EvalResult:
    groups = plan.groups(arm, draw)
    cells = [
        cell
        for group in groups
        for training, row in zip(group, _outcomes(plan, group, counter), strict=True)
        for cell in _cells(plan, training, row)
    ]
    together = max(len(group) for group in groups)
    return EvalResult(
        checkpoint=_identity(plan, arm, draw, together),
        data=plan.test.id,
        suite=plan.suite.model_dump(mode="json"),
        seed=0,
        precision="fp32",
        device=plan.runtime.device.type,
        noise_version=NOISE_VERSION,
        noise_digest="",
        certificate={},
        versions=versions("acn-eval", "torch", "numpy"),
        cells=tuple(cells),
        skipped=(),
        created_ms=time.time_ns() // 1_000_000,
        warnings=tuple(warnings(plan.subsets[draw], plan.test)),
        details={**details(plan.subsets[draw], plan.pool), "stepped_together": together},
    )


def _cells(plan: Plan, training: Training, row: NDArray[np.void]) -> Iterator[Cell]:
    condition = {**CLEAN, "per_class": training.subset.per_class, "repeat": training.repeat}
    yield cell_of(condition, row, plan.test.labels, primary=True)
    yield Cell(condition, row["id"].copy(), row["loss"].copy(), measure="loss")


def _identity(plan: Plan, arm: RecipeSide, draw: int, together: int) -> CheckpointId:
    recipe, arch = arm.recipe, arm.recipe.arch
    subsets = [subset.record() for subset in plan.subsets[draw]]
    facts = [decides(recipe), draw, plan.suite.repeats, subsets, together]
    cost_of_one = price(recipe)
    return CheckpointId(
        name=f"{arm.name} draw {draw}",
        uri=f"recipe:{arm.name}",
        sha256=hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest(),
        arch=arch.model_dump(mode="json"),
        parameters=cost_of_one.parameters,
        flops=cost_of_one.flops,
        preprocessing={
            "size": arch.image_size,
            "channels": arch.channels,
            "moments": "of the images that are learned from",
        },
        training={
            "seed": draw,
            "data_order": STREAM,
            "paired_seeds": plan.suite.model_dump(mode="json")["paired_seeds"],
            "data": recipe.data,
            "data_fingerprint": plan.pool.fingerprint,
            "learning_rate": recipe.learning_rate,
            "recipe": _in_words(recipe),
            "steps": recipe.steps,
            "examples": recipe.steps * recipe.batch,
            "trainings": len(subsets) * plan.suite.repeats,
        },
    )


def _in_words(recipe: Recipe) -> str:
    """Return what two fair recipes have in common, in one line."""
    shared = {"batch", "clip", "label_smoothing", "precision", "warmup", "weight_decay"}
    facts = {**recipe.model_dump(include=shared), **recipe.augment.model_dump()}
    return ", ".join(f"{name} {value}" for name, value in sorted(facts.items()) if value)


def _refused(request: Request[Any]) -> NoReturn:
    """Refuse: it is not made of units yet."""
    raise ConfigError(
        f"{request.suite.name}: learns from subsets of its own. Run it with `acn-eval low-data`."
    )


STUDY = _refused
