"""What is said of forgetting, beside what was learned."""

import math
import re

import pytest

from acn_eval.statistics.claims import Case, Sample
from acn_eval.statistics.comparison import Estimate, Finding
from acn_eval.statistics.finding_claims import trade_claim
from acn_eval.studies.table import analysis_of

LESS, MORE, SAME, OPEN = (-6.0, 1.0), (6.0, 1.0), (0.2, 0.5), (-1.0, 4.0)
"""Differences in points: the value, and half of its 95 % interval."""
NONE = "No difference in forgetting was detected"
NEITHER = (
    "No difference between acn and residual was detected, nor are they shown to be equivalent "
    "within 2.0 points: "
)


def finding(name, value, half):
    inner = (value - 0.8 * half, value + 0.8 * half)
    difference = Estimate(value, value - half, value + half)
    return Finding(name, "%", difference, difference, difference, limits_90=inner)


def said(forgotten, learned, margin=0.02):
    words = analysis_of({"kind": "continual"}).endpoint_of({"equivalence_margin": margin})
    both = (finding("forgetting", *forgotten), finding("learning", *learned))
    return trade_claim(Case(("acn", "residual"), words, Sample(0, 5)), *both)


@pytest.mark.parametrize(
    ("forgotten", "learned", "verdict", "words"),
    [
        (LESS, MORE, "better", "acn forgets less than residual: "),
        (LESS, SAME, "better", "acn forgets less than residual: "),
        (LESS, LESS, "depends", "acn forgets less than residual, but learned less: "),
        (LESS, OPEN, "depends", "acn forgets less than residual, but may have learned less: "),
        (MORE, LESS, "worse", "acn forgets more than residual: "),
        (MORE, SAME, "worse", "acn forgets more than residual: "),
        (MORE, MORE, "depends", "acn forgets more than residual, but learned more: "),
        (MORE, OPEN, "depends", "acn forgets more than residual, but may have learned more: "),
        (SAME, SAME, "tie", "acn and residual are equivalent within 2.0 points: "),
        (SAME, OPEN, "undecided", NEITHER),
        (OPEN, SAME, "undecided", NEITHER),
        (OPEN, LESS, "undecided", f"{NONE}, but acn learned less than residual: "),
        (SAME, MORE, "undecided", f"{NONE}, but acn learned more than residual: "),
    ],
)
def test_forgetting_and_learning_stand_side_by_side(forgotten, learned, verdict, words):
    claim = said(forgotten, learned)
    assert claim.verdict == verdict
    assert claim.sentence.startswith(words)
    for name, (value, half) in (("forgetting", forgotten), ("learning", learned)):
        assert f"{name} {value:.1f} against {value:.1f} %" in claim.sentence
        limits = f"[{value - half:+.1f}, {value + half:+.1f}]"
        assert re.search(
            rf"{name} (is )?{re.escape(f'{value:+.1f} points {limits}')}", claim.certainty
        )
    assert list(claim.evidence) == ["forgetting", "learning"]


def test_without_a_margin_only_more_learning_is_no_less():
    assert said(LESS, MORE, margin=None).verdict == "better"
    assert said(LESS, SAME, margin=None).verdict == "depends"
    assert said(SAME, SAME, margin=None).verdict == "undecided"


def test_undecided_says_how_many_seeds_a_tie_needs():
    growth = finding("learning", *OPEN).equivalence(2.0).growth
    assert said(SAME, OPEN).certainty.endswith(
        f"; a tie needs about {math.ceil(5 * growth)} seeds per side."
    )
