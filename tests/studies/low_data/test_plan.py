"""A plan: equal for both sides, and fixed before anything is trained."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from acn_eval.data import open_examples
from acn_eval.errors import ConfigError, DataError
from acn_eval.studies.low_data import plan as module
from acn_eval.studies.low_data.draws import Draw
from acn_eval.studies.low_data.plan import LowDataPlan
from tests.studies.low_data.plans import learn, side, suite, trained


def test_both_sides_see_the_same():
    plan = LowDataPlan(suite())
    for draw in plan.subsets:
        ours, theirs = ([t for stack in side[draw] for t in stack] for side in plan.stacks)
        assert [(t.subset.per_class, t.repeat) for t in ours] == [(2, 0), (2, 1), (4, 0), (4, 1)]
        for one, other in zip(ours, theirs, strict=True):
            assert np.array_equal(one.job.examples.ids, other.job.examples.ids)
            assert one.job.recipe.seed == other.job.recipe.seed
            assert one.job.recipe.steps == other.job.recipe.steps == 4


def test_subsets_are_those_of_the_draws():
    plan = LowDataPlan(suite(first_draw=3))
    pool = open_examples("digits", "train")
    assert list(plan.subsets) == [3, 4]
    for number, (_, large) in plan.subsets.items():
        assert np.array_equal(large.examples.ids, Draw(pool, number).subset(4).examples.ids)


def test_no_two_trainings_of_a_side_share_a_seed_across_draws():
    plan = LowDataPlan(suite(draws=3))
    stacks = [stack for draw in plan.stacks[0].values() for stack in draw]
    seeds = {(t.subset.draw, t.repeat): t.job.recipe.seed for stack in stacks for t in stack}
    assert len(set(seeds.values())) == len(seeds) == 6


def test_what_is_stepped_as_one():
    """A draw of one side together; each training for itself alone; never both ways to select."""
    plan = LowDataPlan(suite())
    assert [len(g) for g in plan.stacks[0][0]] == [4]
    alone = LowDataPlan(suite(training="alone"))
    assert [len(g) for g in alone.stacks[0][0]] == [1] * 4
    mixed = LowDataPlan(suite(per_class=(1, 4, 8), held_out=0.25))
    groups = mixed.stacks[0][0]
    assert [[t.job.recipe.select for t in g] for g in groups] == [
        ["last"] * 2,
        ["validation"] * 4,
    ]
    assert [len(t.job.held_out) for g in groups for t in g] == [0, 0, 10, 10, 20, 20]
    assert [len(t.job.examples) for g in groups for t in g] == [10, 10, 30, 30, 60, 60]


def test_auto_steps_as_one_what_is_small():
    plan = LowDataPlan(suite(training="auto"))
    assert [side.together for side in plan.sides] == [True, True]
    large = side("acn", "acn", arch={"width": 256, "hidden": 1024})
    plan = LowDataPlan(suite(training="auto", candidate=large))
    assert [side.together for side in plan.sides] == [False, True]


def test_auto_steps_alone_what_cannot_be_stacked():
    low = {"candidate": side("acn", "acn", precision="bf16"), "training": "auto"}
    assert not LowDataPlan(suite(**low)).sides[0].together


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"candidate": side("a", "acn", precision="bf16")},
            ConfigError,
            "in fp32, with the last",
        ),
        ({"candidate": side("a", "acn", data="cifar10")}, ConfigError, "name the same data"),
        (
            {"candidate": side("a", "acn", classes=tuple("01"))},
            ConfigError,
            "name the same data and classes",
        ),
        ({"per_class": (5, 500)}, DataError, "must have 500 training examples or more; got"),
        ({"per_class": (), "fractions": (0.1, 0.101)}, ConfigError, "fractions must differ"),
    ],
)
def test_what_cannot_be_planned(changes, error, message):
    with pytest.raises(error, match=message):
        _ = LowDataPlan(suite(**changes)).stacks


def test_the_validation_split_is_never_opened(runtime, monkeypatch):
    asked = []

    def watched(recipe, split, root):
        asked.append(split)
        return original(recipe, split, root)

    original = module.open_split
    monkeypatch.setattr(module, "open_split", watched)
    learn(trained(suite(held_out=0.5), runtime))
    assert set(asked) == {"train", "test"}


def test_a_plan_is_pickled_as_its_description():
    plan = LowDataPlan(suite())
    bare = pickle.dumps(plan)
    assert len(plan.pool) > 1000
    assert pickle.dumps(plan) == bare
    again = pickle.loads(bare)
    assert replace(again, root=None) == plan
    assert again.test.fingerprint == plan.test.fingerprint
