"""Plans that are trained in a second."""

from acn_eval.studies.low_data.suite import LowData, Side
from tests.tiny import recipe

FIELDS = {
    "name": "tiny_low_data",
    "per_class": (2, 4),
    "draws": 2,
    "repeats": 2,
    "steps": 4,
    "training": "together",
}


def side(name, connectivity, **changes):
    arch = {"connectivity": connectivity, **changes.pop("arch", {})}
    plan = recipe(arch=arch, batch=16, warmup=1, **changes)
    return Side(name=name, recipe=plan)


def suite(**changes):
    sides = {"candidate": side("acn", "acn"), "baseline": side("res", "residual")}
    return LowData(**{**FIELDS, **sides, **changes})
