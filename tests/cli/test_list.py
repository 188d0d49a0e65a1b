"""What there is by name, and what a misspelt name is told."""

import os
import subprocess
import sys

import pytest

from acn_eval.corruptions import SHIPPED
from acn_eval.shipped import shipped, shipped_checkpoints
from acn_eval.statistics.metrics import METRICS
from acn_eval.studies.table import STUDIES
from acn_eval.study.suite import shipped_suites

NAMES = {
    "suites": shipped_suites(),
    "data": ("digits", "cifar10", "cifar100", "npz:PATH", "folder:PATH"),
    "corruptions": [kind.model_fields["kind"].default for kind in SHIPPED],
    "checkpoints": shipped_checkpoints(),
    "metrics": METRICS,
    "studies": [kind.replace("_", "-") for kind in STUDIES],
}


@pytest.mark.parametrize("what", NAMES)
def test_everything_that_is_shipped_is_listed(call, what):
    code, out, err = call("list", what)
    assert (code, err) == (0, "")
    names = [line.split()[0] for line in out.splitlines()]
    assert names[0] == what
    assert set(NAMES[what]) <= set(names)
    assert len(set(names)) == len(names)


def test_checkpoints_are_called_as_they_are_typed():
    assert all((shipped("checkpoints") / name).is_file() for name in shipped_checkpoints())


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        (("robustnes",), "robustness"),
        (("compar", "A"), "compare"),
        (("plan", "--suite", "robustnes", "--n", "9"), "robustness"),
        (("robustness", "--ckpt", "ac_vit.pt", "--data", "cifr10"), "cifar10"),
        (("compare", "A", "--metric", "brie"), "brier"),
    ],
    ids=lambda line: line[-1] if isinstance(line, tuple) else "",
)
def test_a_misspelt_name_gets_a_suggestion(folder, call, line, meant):
    code, out, err = call(*line)
    assert (code, out) == (2, "")
    assert f"Did you mean {meant}?" in err


def test_a_name_that_is_near_none_gets_no_suggestion(call):
    assert "Did you mean" not in call("xyzzy")[2]


def test_the_module_is_the_command_and_completes_words():
    line = [sys.executable, "-m", "acn_eval"]
    told = {
        "_ACN_EVAL_COMPLETE": "bash_complete",
        "COMP_WORDS": "acn-eval comp",
        "COMP_CWORD": "1",
    }
    done = subprocess.run(line, env=os.environ | told, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["plain,compression", "plain,compare"]
