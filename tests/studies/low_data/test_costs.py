"""What a plan costs, against counted FLOPs and what is kept."""

from dataclasses import replace

import torch
from torch.utils.flop_counter import FlopCounterMode

from acn_eval.models import build
from acn_eval.studies.low_data.costs import costs
from tests.studies.low_data.plans import learn, suite, trained


def priced(study, runtime):
    return costs(study.units(), runtime)


def test_costs(runtime):
    study = trained(suite(), runtime, limit=20)
    network = build(study.plan.sides[0].recipe.arch)
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 1, 8, 8))
    ours, theirs = priced(study, runtime)
    assert (ours.name, theirs.name) == ("acn", "res")
    assert (ours.trainings, ours.done, ours.together) == (8, 0, 4)
    assert ours.steps == 8 * 4
    assert ours.examples == 8 * 4 * 16
    assert ours.flops == 8 * counter.get_total_flops() * (3 * 4 * 16 + 20)
    assert 0 < ours.seconds < 60
    assert sum(unit.cost for unit in study.units()) == ours.steps + theirs.steps


def test_costs_of_what_is_done(runtime):
    study = trained(suite(), runtime)
    learn(study)
    assert [(cost.done, cost.seconds) for cost in priced(study, runtime)] == [(8, 0.0), (8, 0.0)]
    more = trained(suite(draws=3), runtime)
    assert [cost.done for cost in priced(more, runtime)] == [8, 8]
    unread = replace(runtime, store=replace(runtime.store, readable=False))
    assert [cost.done for cost in priced(study, unread)] == [0, 0]
