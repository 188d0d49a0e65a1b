"""Networks whose logits overflow are no measurement, in any study: exit 4, and never a verdict."""

import re
from dataclasses import replace

import pytest
import torch
import yaml

from acn_eval.checkpoints.native import read_native, write_native

PRUNING = {
    "kind": "pruning",
    "name": "small",
    "sparsities": [0.0, 0.5],
    "methods": [{"kind": "magnitude"}],
    "seconds": 1e-6,
}


def overflow(folder, tensor):
    """Two networks whose weights are finite and whose products are not."""
    for name in ("tiny_ac.pt", "tiny_res.pt"):
        native = read_native(folder / name)
        state = {**native.state, tensor: torch.full_like(native.state[tensor], 3e38)}
        write_native(folder / f"over_{name}", replace(native, state=state))
    return "over_tiny_ac.pt", "over_tiny_res.pt"


@pytest.fixture
def asked(folder, call):
    (folder / "pruned.yaml").write_text(yaml.safe_dump(PRUNING))

    def run(command, *more, tensor="head.weight"):
        ours, theirs = overflow(folder, tensor)
        given = ("--limit", 60, "--no-track", "--out", folder / "out")
        code, out, err = call(command, "--ckpt", ours, "--baseline", theirs, *given, *more)
        assert code == 4, (code, err)
        assert re.fullmatch(r"acn-eval: [^\n]+\n", err.splitlines(keepends=True)[-1])
        assert not list((folder / "out").rglob("result.json"))
        return out, err

    return run


@pytest.mark.parametrize(
    ("command", "more"),
    [
        ("robustness", ["--suite", "small.yaml"]),
        ("compression", ["--suite", "compression"]),
        ("pruning", ["--suite", "pruned.yaml"]),
    ],
)
def test_logits_that_overflow_are_refused_by_condition(asked, command, more):
    _, err = asked(command, *more)
    assert "over_tiny_ac: logits must be finite; got NaN or infinity for 60 of 60 examples" in err
    assert "under clean" in err


def test_nan_against_nan_does_not_pass_a_gate(asked):
    out, err = asked("gate")
    assert "PASS" not in out
    assert "logits must be finite" in err


@pytest.mark.parametrize("command", ["transfer", "low-data"])
def test_features_that_overflow_are_refused(asked, command):
    more = ["--suite", "low_data_probe"] if command == "low-data" else []
    _, err = asked(command, *more, tensor="norm.weight")
    assert "features must be finite" in err
