"""Pruning: what a suite may ask, and what the shipped ones do."""

import pytest
from pydantic import ValidationError

from acn_eval.checkpoints import load
from acn_eval.studies.pruning.methods import GradualMagnitude, Magnitude, Movement
from acn_eval.studies.pruning.structured import hidden_share
from acn_eval.studies.pruning.suite import Pruning
from acn_eval.studies.read import read_suite


def test_movement_that_leaves_nothing_is_refused():
    assert Movement(removed=0.9, epochs=3).places(()) == (0.0, 0.9, 0.99, 0.999)
    with pytest.raises(ValidationError, match="epochs must be fewer"):
        Movement(removed=0.9, epochs=4)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"sparsities": (0.2, 0.5)}, "0 among them"),
        ({"sparsities": (0.0, 0.5, 0.5)}, "must be different"),
        ({"methods": (Magnitude(), Magnitude())}, "methods must differ"),
        ({"methods": (Magnitude(blocks=1),)}, "whole network"),
        ({"methods": (GradualMagnitude(), Movement())}, "without training, such as magnitude"),
    ],
)
def test_what_makes_no_curve_is_refused(changes, says):
    with pytest.raises(ValidationError, match=says):
        Pruning(**{"name": "x", "sparsities": (0.0,), "methods": (Magnitude(),), **changes})


@pytest.mark.parametrize("name", ["pruning", "pruning_paper"])
def test_the_shipped_suites_have_what_the_paper_has(name):
    suite = read_suite(name)
    labels = {method.label for method in suite.methods}
    assert {"magnitude", "gradual", "movement_40"} <= labels
    assert (name == "pruning") or "movement_20" in labels
    assert suite.noise is None


def test_the_shipped_structured_suite_reaches_what_the_shipped_networks_hold():
    suite = read_suite("pruning_structured")
    assert {method.label for method in suite.methods} == {"structured", "structured_tuned"}
    for name in ("ac_vit.pt", "res_vit.pt"):
        network = load(name).model
        cuts = [network, *(network.truncated(m.blocks) for m in suite.methods if m.blocks)]
        assert max(suite.sparsities) < min(hidden_share(cut) for cut in cuts)
