"""The cost of a suite grows with its conditions, and is that of what runs."""

import re

import yaml

from acn_eval import DataSelection, RunOptions, workflow
from acn_eval.checkpoints import load


def test_a_checkpoint_gives_the_cost(folder, call):
    gate = {"kind": "gate", "name": "toy", "suite": "small.yaml", "margins": {"primary": 0.05}}
    (folder / "gate.yaml").write_text(yaml.safe_dump(gate))
    job = ("plan", "--suite", "gate.yaml", "--ckpt", "tiny_ac.pt", "--device", "cpu")
    code, out, _ = call(*job)
    assert code == 0
    assert "n = 352" in out
    forwards = 2 * 352 * 5  # both sides, five conditions
    assert f"Cost of both sides: {forwards:,} forward passes" in out
    assert re.search(r"about \d+ s here \(extrapolated from 256 examples\)", out)


def test_the_price_is_that_of_one_example_under_all_conditions(folder):
    options = RunOptions(
        ("tiny_ac.pt",), suite="small.yaml", data=DataSelection("digits", limit=9)
    )
    found = workflow.price(options)
    assert (found.forwards, found.timed) == (5, 9)
    assert found.flops == 5 * load("tiny_ac.pt").id.flops
    assert found.seconds > 0
    assert workflow.count_examples(options) == 9
