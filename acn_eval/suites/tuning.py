"""The whole network trained on: what a probe of frozen features is held against."""

from dataclasses import asdict, replace
from typing import Any, NamedTuple

import numpy as np

from acn_eval.errors import Unsupported
from acn_eval.models import Encoder, read_arch
from acn_eval.passes import CLEAN, ClassMap, Pass, Question, Subject, one_pass
from acn_eval.probes import FineTune
from acn_eval.results import Cell
from acn_eval.suites.suite import Setting, cell_of
from acn_eval.suites.target import Target
from acn_eval.training import Recipe, fine_tune

__all__ = ["Tuned", "tuned"]


class Tuned(NamedTuple):
    """The test cell of a fine-tuned network, and how it was made."""

    cell: Cell
    details: dict[str, Any]


def tuned(target: Target, plan: FineTune, label: str, setting: Setting) -> Tuned:
    """Fine-tune on train, never on validation, and answer about the test images.

    Raises:
        Unsupported: a network that is not built here.
    """
    checkpoint, device = target.subject.checkpoint, setting.place.device
    network, test = checkpoint.model, target.examples["test"]
    if not isinstance(network, Encoder):
        raise Unsupported(f"{checkpoint.id.name}: fine-tuning needs a network of ours")
    arch = {**network.config.model_dump(), "classes": len(test.classes), "branches": ()}
    schedule = {**asdict(plan), "warmup": plan.steps // 10}
    recipe = Recipe(arch=read_arch(arch, label), seed=setting.seed, data=test.name, **schedule)
    splits = target.examples["train"], target.examples["validation"]
    fit = fine_tune(network, checkpoint.prepare, recipe, splits, device)
    # "memory:" is never stored: the record of the checkpoint does not say what it has become.
    identity = replace(checkpoint.id, uri=f"memory:{label}")
    classes = ClassMap(tuple(range(len(test.classes))), restricted=False)
    job = Pass(
        subjects=[Subject(replace(checkpoint, id=identity, model=fit.network), classes)],
        examples=test,
        questions=[Question(CLEAN)],
        geometry=checkpoint.prepare.geometry,
        place=setting.place,
        seed=setting.seed,
        numeric="fp32",
        context=target.context,
    )
    (((outcomes,),),) = (one_pass(job, lambda done, total: None),)
    condition = {**CLEAN, "protocol": label, "reading": "stream", "exit": "last"}
    cell = cell_of(condition, outcomes[-1], test.labels, primary=False)
    facts = recipe.model_dump(mode="json", exclude={"arch"})
    found = {"seconds": round(fit.seconds, 3), "validation": fit.best["accuracy"]}
    return Tuned(cell, {**found, "accuracy": float(np.mean(cell.values)), "recipe": facts})
