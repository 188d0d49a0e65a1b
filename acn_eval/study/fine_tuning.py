"""The whole network trained on: what a probe of frozen features is held against."""

from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np
from numpy.typing import NDArray

from acn_eval.checkpoints import Checkpoint, image_preparation
from acn_eval.corruptions import Context
from acn_eval.data import Examples
from acn_eval.errors import Unsupported
from acn_eval.inference import CLEAN, ClassMap, EvaluatedModel, Pass, Question, Runtime, one_pass
from acn_eval.models import Encoder, read_arch
from acn_eval.probes import FineTune
from acn_eval.training import Recipe, fine_tune
from acn_eval.training.fit import Fit

__all__ = ["answers_of", "fine_tune_checkpoint"]


def fine_tune_checkpoint(
    checkpoint: Checkpoint, plan: FineTune, splits: Sequence[Examples], seed: int, runtime: Runtime
) -> Fit:
    """Return a finished fine-tuning of a checkpoint, which itself stays as it is.

    Args:
        checkpoint: whose weights are the start, all but the head's.
        plan: steps, batch and learning rate.
        splits: train, and another that is looked at and selects nothing.
        seed: of the new head, the order and the batches.
        runtime: where to train.

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
    return fine_tune(network, image_preparation(checkpoint), recipe, splits, runtime.device)


def answers_of(
    checkpoint: Checkpoint, fit: Fit, examples: Examples, runtime: Runtime
) -> NDArray[np.void]:
    """Return what a fine-tuned network says of clean images, outcomes (n,), in fp32."""
    # "memory:" is never stored: the record of the checkpoint does not say what it has become.
    identity = replace(checkpoint.id, uri=f"memory:{checkpoint.id.name}")
    classes = ClassMap(tuple(range(len(examples.classes))), restricted=False)
    job = Pass(
        subjects=[EvaluatedModel(replace(checkpoint, id=identity, model=fit.network), classes)],
        examples=examples,
        questions=[Question(CLEAN)],
        spec=checkpoint.prepare.spec,
        runtime=runtime,
        seed=0,
        numeric="fp32",
        context=Context(()),
    )
    (((outcomes,),),) = (one_pass(job, lambda done, total: None),)
    last: NDArray[np.void] = outcomes[-1]
    return last
