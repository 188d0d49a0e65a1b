"""The plan of a dynamics suite: what is opened, and what identifies a network."""

import pickle

import numpy as np

from acn_eval.data import open_examples
from acn_eval.studies.dynamics.plan import DynamicsPlan
from tests.studies.dynamics.plans import suite


def test_gradients_are_measured_on_training_images_and_test_images_are_limited():
    plan = DynamicsPlan(suite(probed=16), limit=50)
    whole = open_examples("digits", "test")
    assert np.array_equal(plan.splits["test"].ids, whole.keyed(50).ids)
    assert len(plan.probe) == 16
    assert set(plan.probe.ids) <= set(plan.splits["train"].ids)
    assert not np.isin(plan.probe.hashes, plan.splits["validation"].hashes).any()


def test_networks_of_a_plan_differ_in_their_connectivity_alone():
    plan = DynamicsPlan(suite())
    one, other = (plan.identity(c, plan.job(c), "cpu") for c in ("acn", "residual"))
    assert one.training == other.training
    assert one.preprocessing == other.preprocessing
    assert {k for k, v in one.arch.items() if v != other.arch[k]} >= {"connectivity"}
    assert one.sha256 != other.sha256
    assert one.training["examples"] == 6 * 16


def test_every_step_and_the_device_decide_the_address_of_a_network():
    plan = DynamicsPlan(suite())
    job = plan.job("acn")
    longer = DynamicsPlan(suite(recipe={"steps": 7}))
    names = {
        plan.identity("acn", job, "cpu").sha256,
        plan.identity("acn", job, "cuda").sha256,
        longer.identity("acn", longer.job("acn"), "cpu").sha256,
    }
    assert len(names) == 3


def test_a_plan_is_pickled_as_its_description():
    plan = DynamicsPlan(suite())
    bare = pickle.dumps(plan)
    assert len(plan.splits["train"]) > 1000
    assert pickle.dumps(plan) == bare
    assert pickle.loads(bare).probe.digest == plan.probe.digest
