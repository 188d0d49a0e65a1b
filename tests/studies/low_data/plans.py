"""Plans that are trained in a second."""

from dataclasses import dataclass

from acn_eval.results import EvalResult
from acn_eval.studies.low_data.run import STUDY
from acn_eval.studies.low_data.suite import LowData, Side
from acn_eval.studies.low_data.trained import LowDataStudy
from acn_eval.study.request import DataSelection, Request
from acn_eval.study.run import run
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


@dataclass(frozen=True)
class Learned:
    """The results of both sides."""

    candidates: list[EvalResult]
    baselines: list[EvalResult]


def asked(suite, runtime, checkpoints=(), *, limit=None, **selection):
    """What a suite asks."""
    return STUDY(Request(suite, checkpoints, DataSelection(limit=limit, **selection), runtime))


def trained(suite, runtime, **options):
    """What a suite of recipes asks."""
    study = asked(suite, runtime, **options)
    assert isinstance(study, LowDataStudy)
    return study


def learn(study, progress=lambda done, total: None, store=None):
    """Measure what is missing, as the base does it."""
    results = run(study, study.request.runtime, progress)
    draws = study.request.suite.draws
    return Learned(results[:draws], results[draws:])
