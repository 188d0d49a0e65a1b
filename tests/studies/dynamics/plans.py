"""A suite that is trained in a second."""

from acn_eval.studies.dynamics.suite import Dynamics
from tests.tiny import recipe

FIELDS = {
    "name": "tiny_dynamics",
    "connectivities": ("acn", "residual"),
    "looks": 3,
    "probed": 16,
}


def suite(**changes):
    plan = recipe(**{"steps": 6, "batch": 16, "warmup": 1, **changes.pop("recipe", {})})
    return Dynamics(**{**FIELDS, "recipe": plan, **changes})
