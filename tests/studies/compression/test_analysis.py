"""What decides between networks of which one has exits, and the endpoint of both."""

from dataclasses import replace

import numpy as np
import pytest

from acn_eval.statistics.design import CHECKPOINTS, Design
from acn_eval.studies.compare import compare
from acn_eval.studies.compression.depth import (
    depth_findings,
    exits_of,
)
from tests.statistics.results import CLEAN, cell, outcomes, result
from tests.studies.compression.plans import SHAPES, measured, network, seeds


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict", "words"),
    [
        ((1, 1, 2), (4, 4, 3), "better", "acn_0 (3 seeds) needs less of its depth than"),
        ((4, 4, 3), (1, 1, 2), "worse", "acn_0 (3 seeds) needs more of its depth than"),
        ((1, 3, 2), (3, 1, 2), "undecided", "No difference between acn_0 (3 seeds) and"),
    ],
)
def test_the_depth_that_is_needed_decides_what_is_said(ours, theirs, verdict, words):
    said = compare(seeds("acn", ours), seeds("residual", theirs)).claim
    assert said.verdict == verdict
    assert said.sentence.startswith(words)
    assert ": share of the network needed " in said.sentence


@pytest.mark.parametrize(("margin", "verdict"), [(0.125, "undecided"), (0.75, "tie")])
def test_depths_tie_within_the_margin_of_the_suite(margin, verdict):
    sides = (seeds(name, (2, 1, 2, 1, 2), margin=margin) for name in ("acn", "residual"))
    found = compare(*sides)
    (finding,) = found.findings
    assert found.claim.verdict == verdict
    assert found.claim.equivalence == finding.equivalence(100 * margin)
    low, high = finding.limits_90
    assert finding.difference.low < low < high < finding.difference.high
    assert ("a tie needs about" in found.claim.certainty) == (verdict == "undecided")
    assert "examples" not in found.claim.certainty


@pytest.mark.parametrize("ours_are_shallow", [True, False])
def test_needing_less_of_a_network_that_is_worse_as_a_whole_is_not_better(ours_are_shallow):
    shallow = measured("shallow", network((0.1, 0.8, 0.8, 0.8, 0.8), 1000, shared=1))
    deep = measured("deep", network((0.1, 0.3, 0.5, 0.7, 0.96), 1000, seed=1))
    sides = ([shallow], [deep]) if ours_are_shallow else ([deep], [shallow])
    said = compare(*sides).claim
    assert said.verdict == "depends"
    against = "less" if ours_are_shallow else "more"
    assert f"but its whole network is {against} accurate" in said.sentence
    assert set(said.evidence) == {"share of the network needed", "whole network"}


def test_against_a_network_without_exits_the_depth_decides_nothing():
    rng = np.random.default_rng(0)
    ours = measured("ac", network(SHAPES["early"]))
    last = cell({**CLEAN, "exit": "last"}, outcomes(0.9, 360, rng), primary=True)
    theirs = result("foreign", [last], suite=ours.suite)
    assert exits_of(theirs).size == 0
    assert depth_findings(Design(CHECKPOINTS), [ours], [theirs]) == ()


def test_a_network_without_exits_is_compared_by_its_last_one_from_either_side():
    ours = measured("ac", network(SHAPES["early"]))
    right = outcomes(0.9, 360, np.random.default_rng(0))
    ids = ours.cells[0].ids
    noise = {"corruption": "gaussian", "level": 0.4, "space": "pixel"}
    cells = [
        cell({**CLEAN, "exit": "last"}, right, ids, primary=True),
        cell({**noise, "exit": "last"}, right * 0, ids, primary=False),
    ]
    ours = replace(ours, cells=(*ours.cells, cells[1]))
    theirs = result("foreign", cells, suite=ours.suite)
    forth, back = compare([ours], [theirs]), compare([theirs], [ours])
    expected = ours.cells[0].values.mean() - right.mean()
    for found, sign in ((forth, 1), (back, -1)):
        assert found.primary.name == "last exit"
        assert found.primary.difference.value == pytest.approx(sign * expected, abs=1e-6)
        assert " accurate than " in found.claim.sentence
        assert found.findings == ()
    (line,) = [w for w in forth.warnings if "not compared" in w]
    assert line == "exit 4, exit 3, exit 2 and 7 more: not compared; foreign: not measured"
