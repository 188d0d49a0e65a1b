"""A suite that is trained in a second."""

from acn_eval.studies.dynamics.run import STUDY
from acn_eval.studies.dynamics.suite import Dynamics
from acn_eval.study.request import DataSelection, Request
from acn_eval.study.run import run
from tests.tiny import recipe
from tests.training.texts import masked

FIELDS = {
    "name": "tiny_dynamics",
    "connectivities": ("acn", "residual"),
    "looks": 3,
    "probed": 16,
}


def suite(**changes):
    plan = recipe(**{"steps": 6, "batch": 16, "warmup": 1, **changes.pop("recipe", {})})
    return Dynamics(**{**FIELDS, "recipe": plan, **changes})


def text_suite(**changes):
    """The same on masked tokens of the embedded sentences."""
    return Dynamics(**{**FIELDS, "recipe": masked(arch={"depth": 2}, steps=6), **changes})


def asked(own, runtime, checkpoints=(), **selection):
    """What a suite asks of trainings, or of finished checkpoints."""
    return STUDY(Request(own, checkpoints, DataSelection(**selection), runtime))


def trainings(study, progress=lambda done, total: None):
    """The results of a study, as the base measures and keeps them."""
    return run(study, study.request.runtime, progress)


def finished(checkpoint, runtime, **selection):
    """What is known of one checkpoint."""
    (result,) = trainings(asked(suite(), runtime, [checkpoint], **selection))
    return result
