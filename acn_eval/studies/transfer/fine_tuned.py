"""The whole network fine-tuned: what a probe of frozen features is held against."""

from typing import Any, NamedTuple

import numpy as np

from acn_eval.inference import CLEAN
from acn_eval.probes import FineTune
from acn_eval.results import Cell
from acn_eval.studies.transfer.features import SplitFeatures
from acn_eval.study.fine_tuning import answers_of, fine_tune_checkpoint
from acn_eval.study.suite import Setting, cell_of

__all__ = ["Tuned", "tuned"]


class Tuned(NamedTuple):
    """The test cell of a fine-tuned network, and how it was made."""

    cell: Cell
    details: dict[str, Any]


def tuned(target: SplitFeatures, plan: FineTune, label: str, setting: Setting) -> Tuned:
    """Fine-tune on train, never on validation, and answer about the test images.

    Raises:
        Unsupported: a network that is not built here.
    """
    checkpoint, test = target.subject.checkpoint, target.examples["test"]
    splits = target.examples["train"], target.examples["validation"]
    fit = fine_tune_checkpoint(checkpoint, plan, splits, setting.seed, setting.runtime)
    outcomes = answers_of(checkpoint, fit, test, setting.runtime)
    condition = {**CLEAN, "protocol": label, "reading": "stream", "exit": "last"}
    cell = cell_of(condition, outcomes, test.labels, primary=False)
    facts = fit.recipe.model_dump(mode="json", exclude={"arch"})
    found = {"seconds": round(fit.seconds, 3), "validation": fit.best["accuracy"]}
    return Tuned(cell, {**found, "accuracy": float(np.mean(cell.values)), "recipe": facts})
