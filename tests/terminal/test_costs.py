"""The printed cost of a plan: its rows, its scale, and that nothing is run."""

import re

import pytest

from acn_eval import RunOptions
from acn_eval.errors import ConfigError
from acn_eval.terminal.costs import show_costs
from tests.studies.continual.plans import suite as continual
from tests.studies.dynamics.plans import suite as dynamics
from tests.studies.low_data.plans import suite as low_data


def shown(capsys, suite):
    show_costs(RunOptions(suite=suite, device="cpu", precision="fp32"), kind=suite.kind)
    return capsys.readouterr().out


def test_each_side_of_low_data_has_a_row(folder, capsys):
    out = shown(capsys, low_data(draws=3))
    lines = [re.split(r"  +", line) for line in out.splitlines()]
    assert lines[0][4:7] == ["examples seen", "TFLOPs", "as one"]
    assert lines[1][:5] == ["acn", "12", "0", "48", "768"]
    assert lines[2][0] == "res"
    assert "2, 4 images per class of 1,094, 3 draws, 2 initializations, 4 steps" in out
    assert "on this machine; nothing was run" in out
    assert not list(folder.glob("acn-results/*"))


def test_columns_that_say_nothing_are_left_out(folder, capsys):
    out = shown(capsys, continual(seeds=2))
    assert "examples seen" not in out
    assert "as one" not in out
    assert re.search(r"^residual L2 naive +2 +0 +40 ", out, re.M)
    assert "5 tasks of 2 classes of 1,094 images, 2 seeds; evaluated on 352 test images" in out


def test_a_suite_that_may_be_about_checkpoints_has_a_plan_without_any(folder, capsys):
    assert re.search(r"^acn +1 +0 +6 +0.00 +\d+$", shown(capsys, dynamics()), re.M)
    with pytest.raises(ConfigError, match="`plan`: must be of a suite that trains networks"):
        show_costs(RunOptions(suite=dynamics(), candidates=("tiny_ac.pt",)), kind="dynamics")


def test_checkpoints_are_refused_as_they_are_by_the_run(folder):
    for given in ({"candidates": ("tiny_ac.pt",)}, {"baselines": ("tiny_ac.pt",)}):
        with pytest.raises(ConfigError, match="must be left out"):
            show_costs(RunOptions(suite=low_data(), **given), kind="low_data")
