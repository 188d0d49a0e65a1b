"""Tiny task sequences on the embedded digits."""

from pathlib import Path

import torch

from acn_eval.cache import OutcomeCache
from acn_eval.inference import Runtime
from acn_eval.studies.continual.learner import Learner, TaskPredictions
from acn_eval.studies.continual.methods import Naive
from acn_eval.studies.continual.plan import ContinualPlan
from acn_eval.studies.continual.run import ContinualStudy, RunUnit
from acn_eval.studies.continual.suite import Continual
from acn_eval.study.request import DataSelection, Request
from acn_eval.study.run import measured, run
from acn_eval.training.packed import unpack

CPU = torch.device("cpu")
BATCH = 64
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


def runtime(folder, batch_size=BATCH):
    return Runtime(CPU, batch_size, "fp32", OutcomeCache(folder))


def study(folder, *, limit=60, **changed):
    selection = DataSelection(limit=limit)
    return ContinualStudy(Request(suite(**changed), (), selection, runtime(folder)))


def sides_of(study):
    """Results of every method and depth: (candidates, baselines)."""
    results = run(study, study.request.runtime)
    return [(results[ours], results[theirs]) for ours, theirs in study.groups()]


def course(method=None, *, seed=0, connectivity="acn", limit=60, **changed):
    """One training."""
    plan = ContinualPlan(suite(**changed), limit=limit)
    depth = plan.suite.depths[0]
    profile = Runtime(CPU, BATCH).profile()
    return RunUnit(plan, connectivity, depth, method or Naive(), seed, profile)


def learner_of(own, batch_size=64):
    """A network that has learned nothing yet; nothing is kept of it."""
    return Learner(own, runtime(Path("nowhere"), batch_size))


def train(own, folder, progress=lambda done, total: None):
    """What a training predicts, as the base measures and keeps it."""
    (content,) = measured([own], runtime(folder), progress, ContinualStudy.work)
    return TaskPredictions(**unpack(content))
