"""An environment says whatever beside a task can change a bit of what it yields."""

import pickle
from dataclasses import replace
from importlib.metadata import version

import torch

from acn_eval.engine.environment import Environment, hardware

CPU = torch.device("cpu")


def test_it_is_the_same_wherever_it_is_looked_at():
    here = Environment.here(CPU)
    assert pickle.loads(pickle.dumps(here)) == here == Environment.here(CPU)
    assert here.differences(here) == []


def test_it_names_what_is_installed():
    here = Environment.here(CPU)
    assert here.packages["torch"] == version("torch")
    assert here.hardware == hardware(CPU) != ""
    assert len(here.code) == 12


def test_differences_are_said_in_words():
    here = Environment.here(CPU)
    other = replace(here, code="0" * 12, packages={**here.packages, "numpy": "", "torch": "1.0"})
    assert here.differences(other) == [
        f"code of acn-eval 000000000000, not {here.code}",
        f"torch 1.0, not {here.packages['torch']}",
        f"numpy missing, not {here.packages['numpy']}",
    ]


def test_another_hardware_differs():
    here = Environment.here(CPU)
    assert here.differences(replace(here, hardware="AVX2")) == [
        f"hardware AVX2, not {here.hardware}"
    ]
