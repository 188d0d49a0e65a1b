"""What there is by name, and what a misspelt name is told."""

import pytest

from acn_eval.corruptions import SHIPPED
from acn_eval.shipped import shipped, shipped_checkpoints
from acn_eval.statistics.metrics import METRICS
from acn_eval.studies.table import STUDIES
from acn_eval.study.suite import shipped_suites
from acn_eval.workflow.paper import shipped_tables

NAMES = {
    "suites": shipped_suites(),
    "tables": shipped_tables(),
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


def test_what_is_left_out_is_asked_for_without_escapes(call):
    code, out, err = call("list")
    assert (code, out) == (2, "")
    assert "\n    suites,\n" in err
    assert "\\t" not in err
