"""The same on real photographs, where they are at hand."""

import os

import pytest

from acn_eval.data import DATA_ROOT, data_root
from acn_eval.studies.compare import compare
from tests.studies.low_data.plans import learn, side, suite, trained

FOLDER = "cifar-10-batches-py"
PHOTOGRAPHS = {"image_size": 32, "patch": 8, "channels": 3}


@pytest.mark.skipif(DATA_ROOT not in os.environ, reason=f"{DATA_ROOT} is not set")
def test_cifar(runtime):
    if not (data_root() / FOLDER).is_dir():
        pytest.skip(f"{DATA_ROOT} has no {FOLDER}")
    sides = {
        key: side(name, name, data="cifar10", arch=PHOTOGRAPHS)
        for key, name in (("candidate", "acn"), ("baseline", "residual"))
    }
    plan = trained(suite(**sides, draws=5, repeats=1), runtime, limit=100)
    assert len(plan.plan.pool) > 40_000
    learned = learn(plan)
    found = compare(learned.candidates, learned.baselines)
    assert (found.n, found.unit) == (100, "architectures")
    assert [row.name for row in found.rows] == ["2 per class", "4 per class"]
    assert not learned.candidates[0].warnings
