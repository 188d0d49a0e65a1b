"""Plans and states of trainings: what is pickled, packed and read back."""

import pickle

import pytest
import torch

from acn_eval.study.trainings import TrainingPlan
from acn_eval.training.packed import pack, unpack
from tests.studies.continual.plans import suite


def test_states_are_read_back_onto_the_cpu():
    state = {"weights": {"w": torch.arange(3.0)}, "step": 7, "parts": [torch.zeros(2, 1)]}
    found = unpack(pack(state))
    assert found["step"] == 7
    assert torch.equal(found["weights"]["w"], torch.arange(3.0))
    assert found["parts"][0].shape == (2, 1)


def test_nothing_but_tensors_is_read():
    with pytest.raises(pickle.UnpicklingError):
        unpack(pack({"function": print}))


def test_a_plan_is_its_description():
    plan = TrainingPlan(suite(), limit=9, split="validation")
    again = pickle.loads(pickle.dumps(plan))
    assert (again, again.limit, again.split) == (plan, 9, "validation")
