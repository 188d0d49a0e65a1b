"""Plans and states of trainings: what is pickled, packed and read back."""

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from acn_eval.inference import Runtime
from acn_eval.study.request import DataSelection, Request
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


def test_a_plan_is_its_description(tmp_path):
    plan = TrainingPlan(suite(), tmp_path, limit=9, split="validation")
    again = pickle.loads(pickle.dumps(plan))
    assert (again, again.limit, again.split) == (plan, 9, "validation")


def test_a_plan_that_is_sent_reads_the_data_of_who_sends_it(tmp_path, monkeypatch):
    """A worker may have another folder, and lack the settings of the driver."""
    monkeypatch.chdir(tmp_path)
    for given, set_to, root in (
        (None, None, tmp_path / "data"),
        (None, "mine", tmp_path / "mine"),
        (Path("own"), "mine", tmp_path / "own"),
    ):
        monkeypatch.delenv("ACN_EVAL_DATA", raising=False)
        if set_to:
            monkeypatch.setenv("ACN_EVAL_DATA", set_to)
        plan = pickle.dumps(TrainingPlan(suite(), given))
        selection = DataSelection("digits", given)
        request = pickle.dumps(Request(suite(), (), selection, Runtime(torch.device("cpu"))))
        monkeypatch.delenv("ACN_EVAL_DATA", raising=False)
        assert pickle.loads(plan).root == root
        assert pickle.loads(request).selection == replace(selection, root=root)
