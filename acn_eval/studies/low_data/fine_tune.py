"""Fine-tuning of checkpoints on few images; every finished one is kept by content."""

import hashlib
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from acn_eval.checkpoints import Checkpoint
from acn_eval.data import Examples
from acn_eval.inference import OutcomeCache, Runtime
from acn_eval.probes import FineTune
from acn_eval.studies.low_data.draws import Subset
from acn_eval.studies.low_data.suite import LowDataProbe
from acn_eval.study.fine_tuning import answers_of, fine_tune_checkpoint

__all__ = ["tuned_on"]


def tuned_on(
    checkpoint: Checkpoint,
    suite: LowDataProbe,
    subset: Subset,
    repeat: int,
    test: Examples,
    runtime: Runtime,
) -> NDArray[np.void]:
    """Return outcomes (n,) of the test images after fine-tuning on a subset, or from the store.

    Raises:
        Unsupported: a network that is not built here.
        MeasureError: the loss is no longer finite.
    """
    plan = FineTune(suite.steps, suite.batch, suite.learning_rate)
    key = _key(checkpoint, plan, subset, repeat, (test, runtime))
    named = not checkpoint.id.uri.startswith("memory:")
    known = runtime.store.get(key) if named else None
    if known is not None:
        return known
    # The subset stands in for validation: it is looked at once, and selects nothing.
    fit = fine_tune_checkpoint(
        checkpoint, plan, (subset.examples, subset.examples), repeat, runtime
    )
    outcomes = answers_of(checkpoint, fit, test, runtime)
    if named:
        runtime.store.put(key, outcomes)
    return outcomes


def _key(
    checkpoint: Checkpoint,
    plan: FineTune,
    subset: Subset,
    repeat: int,
    shown: tuple[Examples, Runtime],
) -> str:
    test, runtime = shown
    content = hashlib.sha256(test.ids.tobytes() + test.hashes.tobytes()).hexdigest()
    own = checkpoint.id
    facts = [own.sha256, own.arch, own.preprocessing, asdict(plan), subset.record(), repeat]
    return OutcomeCache.key(["fine-tuned v1", *facts, content, runtime.device.type])
