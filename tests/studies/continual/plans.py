"""Tiny courses on the embedded digits."""

import torch

from acn_eval.inference import OutcomeCache, Runtime
from acn_eval.studies.continual.methods import Naive
from acn_eval.studies.continual.plan import TaskSequenceRun, open_plan
from acn_eval.studies.continual.suite import Continual

CPU = torch.device("cpu")
ARCH = {
    "kind": "mixer",
    "width": 8,
    "token_hidden": 4,
    "channel_hidden": 8,
    "pool": "mean",
    "image_size": 8,
    "patch": 4,
}


def suite(**changed):
    fields = {
        "name": "tiny",
        "data": "digits",
        "tasks": 5,
        "steps": 4,
        "batch": 8,
        "arch": ARCH,
        "depths": (2,),
        "methods": ({"method": "naive"},),
        "seeds": 1,
    }
    return Continual(**{**fields, **changed})


def plan(folder, *, limit=60, **changed):
    return open_plan(suite(**changed), Runtime(CPU, 64, "fp32", OutcomeCache(folder)), limit=limit)


def course(folder, method=None, *, seed=0, connectivity="acn", **changed):
    opened = plan(folder, **changed)
    return TaskSequenceRun(opened, connectivity, opened.suite.depths[0], method or Naive(), seed)
