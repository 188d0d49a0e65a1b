"""What is said of forgetting, beside what was learned."""

import math

import pytest

from acn_eval.statistics.claims import Sample
from acn_eval.statistics.comparison import Estimate, Finding
from acn_eval.statistics.finding_claims import trade_claim
from acn_eval.studies.table import analysis_of

LESS, MORE, SAME, OPEN = (-6.0, 1.0), (6.0, 1.0), (0.2, 0.5), (-1.0, 4.0)
"""Differences in points: the value, and half of its 95 % interval."""


def finding(name, value, half):
    inner = (value - 0.8 * half, value + 0.8 * half)
    difference = Estimate(value, value - half, value + half)
    return Finding(name, "%", difference, difference, difference, limits_90=inner)


def said(forgotten, learned, margin=0.02):
    words = analysis_of({"kind": "continual"}).endpoint_of({"equivalence_margin": margin})
    both = (finding("forgetting", *forgotten), finding("learning", *learned))
    return trade_claim("acn against residual", *both, words, Sample(0, 5))


@pytest.mark.parametrize(
    ("forgotten", "learned", "verdict", "words"),
    [
        (LESS, MORE, "better", "forgets less; "),
        (LESS, SAME, "better", "forgets less; "),
        (LESS, LESS, "depends", "forgets less, but learned less; "),
        (LESS, OPEN, "depends", "forgets less, but may have learned less; "),
        (MORE, LESS, "worse", "forgets more; "),
        (MORE, SAME, "worse", "forgets more; "),
        (MORE, MORE, "depends", "forgets more, but learned more; "),
        (MORE, OPEN, "depends", "forgets more, but may have learned more; "),
        (SAME, SAME, "tie", "equivalent within 2.0 points (90 % interval [-0.2, +0.6]); "),
        (SAME, OPEN, "undecided", "no difference detected, nor equivalence within 2.0 points ("),
        (OPEN, SAME, "undecided", "no difference detected, nor equivalence within 2.0 points ("),
        (OPEN, LESS, "undecided", "no difference detected in forgetting, but learned less; "),
        (SAME, MORE, "undecided", "no difference detected in forgetting, but learned more; "),
    ],
)
def test_forgetting_and_learning_stand_side_by_side(forgotten, learned, verdict, words):
    claim = said(forgotten, learned)
    assert claim.verdict == verdict
    assert claim.sentence.startswith(f"acn against residual: {words}")
    for name, (value, half) in (("forgetting", forgotten), ("learning", learned)):
        limits = f"[{value - half:+.1f}, {value + half:+.1f}]"
        assert f"{name} {value:+.1f} points {limits}" in claim.sentence
    assert list(claim.evidence) == ["forgetting", "learning"]


def test_without_a_margin_only_more_learning_is_no_less():
    assert said(LESS, MORE, margin=None).verdict == "better"
    assert said(LESS, SAME, margin=None).verdict == "depends"
    assert said(SAME, SAME, margin=None).verdict == "undecided"


def test_undecided_says_how_many_seeds_a_tie_needs():
    growth = finding("learning", *OPEN).equivalence(2.0).growth
    assert said(SAME, OPEN).sentence.endswith(
        f"; a tie needs about {math.ceil(5 * growth)} seeds a side"
    )
