"""What a run would cost follows from few examples, and says which units and bytes there are."""

from dataclasses import replace

import numpy as np
import pytest

from acn_eval import DataSelection, RunOptions, workflow
from acn_eval.checkpoints import load
from acn_eval.data.images import ArrayImages
from acn_eval.engine.choice import EngineChoice
from acn_eval.workflow.planning import doubled, seconds_to_start, walls

OPTIONS = RunOptions(
    ("tiny_ac.pt",), suite="small.yaml", data=DataSelection("digits", limit=9), precision="fp32"
)


def test_one_network_stands_for_both_sides_and_the_price_is_that_of_one_example(folder):
    plan = workflow.plan_of(OPTIONS)
    found = plan.price
    assert (found.forwards, found.timed) == (2 * 5, 9)
    assert found.flops == 10 * load("tiny_ac.pt").id.flops
    assert found.seconds > 0
    assert workflow.count_examples(OPTIONS) == plan.n == 9
    assert plan.returned == sum(unit.cost for unit in plan.units) * plan.whole.returned / 90
    alone = replace(OPTIONS, candidates=("tiny_ac.pt", "tiny_res.pt"))
    assert workflow.plan_of(alone).price.forwards == 10


def test_a_million_images_are_planned_without_reading_them(folder, monkeypatch):
    seen, read = [], ArrayImages.read

    def watched(own, where, spec):
        seen.append(where)
        return read(own, where, spec)

    monkeypatch.setattr(ArrayImages, "read", watched)
    whole = replace(OPTIONS, data=DataSelection("digits"), engine=EngineChoice(workers=8))
    plan = workflow.plan_of(whole, 1_000_000)
    assert sum(unit.cost for unit in plan.units) == 10 * 1_000_000
    assert plan.n == 1_000_000
    assert np.concatenate(seen).size < 5_000
    assert plan.on(1).tasks == plan.bundles == 489
    found = [plan.on(workers) for workers in doubled(256)]
    assert found[1].seconds == pytest.approx(found[0].seconds / 2, rel=0.1)
    last = found[-1]
    assert last.sent > found[0].sent > 1_000_000 * 64  # bytes of an image; pieces send them again
    assert last.seconds > found[0].seconds / 256
    assert last.driver <= 1


def test_tasks_of_known_length_are_shared_out():
    found = walls([10.0, 10.0, 10.0], [1, 2, 4])
    assert [own.seconds for own in found] == [30, 20, 10]
    assert [own.tasks for own in found] == [3, 3, 3]
    assert {own.driver for own in found} == {0}
    assert walls([], [1])[0].seconds == 0


@pytest.mark.slow
def test_a_worker_starts_in_seconds():
    assert 0.2 < seconds_to_start() < 60
