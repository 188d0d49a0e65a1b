"""The whole network trained on: what a probe of frozen features is held against."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from acn_eval.checkpoints import Checkpoint
from acn_eval.corruptions import Context
from acn_eval.data import Examples
from acn_eval.errors import Unsupported
from acn_eval.inference import CLEAN, ClassMap, Pass, Place, Question, Subject, one_pass
from acn_eval.models import Encoder, read_arch
from acn_eval.probes import FineTune
from acn_eval.results import Cell
from acn_eval.studies.transfer.features import Target
from acn_eval.study.suite import Setting, cell_of
from acn_eval.training import Recipe, fine_tune
from acn_eval.training.fit import Fit

__all__ = ["Tuned", "answers_of", "trained_on", "tuned"]


class Tuned(NamedTuple):
    """The test cell of a fine-tuned network, and how it was made."""

    cell: Cell
    details: dict[str, Any]


def tuned(target: Target, plan: FineTune, label: str, setting: Setting) -> Tuned:
    """Fine-tune on train, never on validation, and answer about the test images.

    Raises:
        Unsupported: a network that is not built here.
    """
    checkpoint, test = target.subject.checkpoint, target.examples["test"]
    splits = target.examples["train"], target.examples["validation"]
    fit = trained_on(checkpoint, plan, splits, setting.seed, setting.place)
    outcomes = answers_of(checkpoint, fit, test, setting.place)
    condition = {**CLEAN, "protocol": label, "reading": "stream", "exit": "last"}
    cell = cell_of(condition, outcomes, test.labels, primary=False)
    facts = fit.recipe.model_dump(mode="json", exclude={"arch"})
    found = {"seconds": round(fit.seconds, 3), "validation": fit.best["accuracy"]}
    return Tuned(cell, {**found, "accuracy": float(np.mean(cell.values)), "recipe": facts})


def trained_on(
    checkpoint: Checkpoint, plan: FineTune, splits: Sequence[Examples], seed: int, place: Place
) -> Fit:
    """Return a finished fine-tuning of a checkpoint, which itself stays as it is.

    Args:
        checkpoint: whose weights are the start, all but the head's.
        plan: steps, batch and learning rate.
        splits: train, and another that is looked at and selects nothing.
        seed: of the new head, the order and the batches.
        place: where to train.

    Raises:
        Unsupported: a network that is not built here.
    """
    network = checkpoint.model
    if not isinstance(network, Encoder):
        raise Unsupported(f"{checkpoint.id.name}: fine-tuning needs a network of ours")
    classes = len(splits[0].classes)
    arch = {**network.config.model_dump(), "classes": classes, "branches": ()}
    schedule = {**asdict(plan), "warmup": plan.steps // 10}
    named = read_arch(arch, checkpoint.id.name)
    recipe = Recipe(arch=named, seed=seed, data=splits[0].name, **schedule)
    return fine_tune(network, checkpoint.prepare, recipe, splits, place.device)


def answers_of(
    checkpoint: Checkpoint, fit: Fit, examples: Examples, place: Place
) -> NDArray[np.void]:
    """Return what a fine-tuned network says of undisturbed images, outcomes (n,), in fp32."""
    # "memory:" is never stored: the record of the checkpoint does not say what it has become.
    identity = replace(checkpoint.id, uri=f"memory:{checkpoint.id.name}")
    classes = ClassMap(tuple(range(len(examples.classes))), restricted=False)
    job = Pass(
        subjects=[Subject(replace(checkpoint, id=identity, model=fit.network), classes)],
        examples=examples,
        questions=[Question(CLEAN)],
        geometry=checkpoint.prepare.geometry,
        place=place,
        seed=0,
        numeric="fp32",
        context=Context(()),
    )
    (((outcomes,),),) = (one_pass(job, lambda done, total: None),)
    last: NDArray[np.void] = outcomes[-1]
    return last
