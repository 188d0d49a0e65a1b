"""A plan: equal for both sides, fixed before anything is trained, and priced."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from acn_eval.data import open_examples
from acn_eval.errors import ConfigError, DataError
from acn_eval.inference.outputs import inputs_of
from acn_eval.models import build
from acn_eval.studies.low_data import plan as module
from acn_eval.studies.low_data.costs import costs
from acn_eval.studies.low_data.draws import Draw
from acn_eval.studies.low_data.plan import open_plan
from acn_eval.studies.low_data.run import learn
from tests.studies.low_data.plans import side, suite


def test_both_sides_see_the_same(runtime):
    plan = open_plan(suite(), runtime)
    for draw in plan.subsets:
        ours, theirs = ([t for g in plan.groups(arm, draw) for t in g] for arm in plan.arms)
        assert [(t.subset.per_class, t.repeat) for t in ours] == [(2, 0), (2, 1), (4, 0), (4, 1)]
        for one, other in zip(ours, theirs, strict=True):
            assert np.array_equal(one.lesson.examples.ids, other.lesson.examples.ids)
            assert one.lesson.recipe.seed == other.lesson.recipe.seed
            assert one.lesson.recipe.steps == other.lesson.recipe.steps == 4


def test_subsets_are_those_of_the_draws(runtime):
    plan = open_plan(suite(first_draw=3), runtime)
    pool = open_examples("digits", "train")
    assert list(plan.subsets) == [3, 4]
    for number, (_, large) in plan.subsets.items():
        assert np.array_equal(large.examples.ids, Draw(pool, number).subset(4).examples.ids)


def test_no_two_trainings_of_a_side_share_a_seed_across_draws(runtime):
    plan = open_plan(suite(draws=3), runtime)
    groups = [g for draw in plan.subsets for g in plan.groups(plan.arms[0], draw)]
    seeds = {(t.subset.draw, t.repeat): t.lesson.recipe.seed for g in groups for t in g}
    assert len(set(seeds.values())) == len(seeds) == 6


def test_what_is_stepped_as_one(runtime):
    """A draw of one side together; each training for itself alone; never both ways to select."""
    plan = open_plan(suite(), runtime)
    assert [len(g) for g in plan.groups(plan.arms[0], 0)] == [4]
    alone = open_plan(suite(training="alone"), runtime)
    assert [len(g) for g in alone.groups(alone.arms[0], 0)] == [1] * 4
    mixed = open_plan(suite(per_class=(1, 4, 8), held_out=0.25), runtime)
    groups = mixed.groups(mixed.arms[0], 0)
    assert [[t.lesson.recipe.select for t in g] for g in groups] == [
        ["last"] * 2,
        ["validation"] * 4,
    ]
    assert [len(t.lesson.held_out) for g in groups for t in g] == [0, 0, 10, 10, 20, 20]
    assert [len(t.lesson.examples) for g in groups for t in g] == [10, 10, 30, 30, 60, 60]


def test_auto_steps_as_one_what_is_small(runtime):
    plan = open_plan(suite(training="auto"), runtime)
    assert [arm.together for arm in plan.arms] == [True, True]
    large = side("acn", "acn", arch={"width": 256, "hidden": 1024})
    plan = open_plan(suite(training="auto", candidate=large), runtime)
    assert [arm.together for arm in plan.arms] == [False, True]


def test_auto_steps_alone_what_cannot_be_stacked(runtime):
    low = {"candidate": side("acn", "acn", precision="bf16"), "training": "auto"}
    assert not open_plan(suite(**low), runtime).arms[0].together


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"candidate": side("a", "acn", precision="bf16")},
            ConfigError,
            "must be in fp32, with the last",
        ),
        ({"candidate": side("a", "acn", data="cifar10")}, ConfigError, "name the same data"),
        (
            {"candidate": side("a", "acn", classes=tuple("01"))},
            ConfigError,
            "name the same data and classes",
        ),
        ({"per_class": (5, 500)}, DataError, "must have 500 training images or more; got"),
        ({"per_class": (), "fractions": (0.1, 0.101)}, ConfigError, "fractions must differ"),
    ],
)
def test_what_cannot_be_planned(runtime, changes, error, message):
    with pytest.raises(error, match=message):
        open_plan(suite(**changes), runtime)


def test_the_validation_split_is_never_opened(runtime, monkeypatch):
    asked = []

    def watched(recipe, split, root):
        asked.append(split)
        return original(recipe, split, root)

    original = module.open_split
    monkeypatch.setattr(module, "open_split", watched)
    learn(open_plan(suite(held_out=0.5), runtime))
    assert set(asked) == {"train", "test"}


def test_costs(runtime):
    plan = open_plan(suite(), runtime, limit=20)
    network = build(plan.arms[0].recipe.arch)
    with FlopCounterMode(display=False) as counter:
        network(
            inputs_of(
                plan.test,
                np.arange(1),
                plan.groups(plan.arms[0], 0)[0][0].lesson.prepare,
                torch.device("cpu"),
            )
        )
    ours, theirs = costs(plan)
    assert (ours.name, theirs.name) == ("acn", "res")
    assert (ours.trainings, ours.done, ours.together) == (8, 0, 4)
    assert ours.steps == 8 * 4
    assert ours.examples == 8 * 4 * 16
    assert ours.flops == 8 * counter.get_total_flops() * (3 * 4 * 16 + 20)
    assert 0 < ours.seconds < 60
    assert plan.steps == ours.steps + theirs.steps


def test_costs_of_what_is_done(runtime):
    plan = open_plan(suite(), runtime)
    learn(plan)
    assert [(cost.done, cost.seconds) for cost in costs(plan)] == [(8, 0.0), (8, 0.0)]
    more = open_plan(suite(draws=3), runtime)
    assert [cost.done for cost in costs(more)] == [8, 8]
    other = replace(plan, runtime=replace(runtime, store=replace(runtime.store, readable=False)))
    assert [cost.done for cost in costs(other)] == [0, 0]
