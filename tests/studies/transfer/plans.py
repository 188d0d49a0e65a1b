"""What several tests of this study share."""

import numpy as np
import torch

from acn_eval.corruptions import Gaussian
from acn_eval.data import open_examples
from acn_eval.evaluation import DataSelection
from acn_eval.studies.robustness.suite import Robustness
from acn_eval.studies.transfer.suite import Transfer

JOB = ("transfer", "--data", "digits", "--classes", "5-9", "--no-track", "--device", "cpu")


QUICK = (*JOB, "--protocol", "ridge", "--ckpt", "tiny_ac.pt")


def rows(out):
    starts = ("exit ", "last", "chosen")
    lines = [line for line in out.splitlines() if line.startswith(starts)]
    return [line.split("  ")[0] for line in lines if "[" in line]  # else the legend


NEW = DataSelection(data="digits", classes=tuple("56789"))


DEPTH = 2


NOISE = Robustness(name="noise", corruptions=(Gaussian(levels=(0.1, 0.4)),))


def suite(*protocols, **fields):
    names = protocols or ("ridge",)
    return Transfer(name="t", protocols=names, side_by_side=len(names) > 1, **fields)


def cells(result, **wanted):
    return [c for c in result.cells if wanted.items() <= dict(c.condition).items()]


def cell(result, **wanted):
    (found,) = cells(result, **wanted)
    return found


def same(one, other):
    return np.array_equal(one.ids, other.ids) and np.array_equal(one.predicted, other.predicted)


def by_hand(model, split, reading, depth):
    """Features of one depth, and labels, from a plain forward pass."""
    examples = open_examples("digits", split).only(NEW.classes).keyed()
    images = examples.read(np.arange(len(examples)), model.prepare.spec)
    with torch.no_grad():
        device = next(model.model.parameters()).device
        found = model.model.readings(model.prepare(images.to(device) / 255))
    return getattr(found[depth], reading).cpu().numpy().astype(np.float64), examples.labels
