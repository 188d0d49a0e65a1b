"""Verdicts after some of all examples, against a naive gambler and the final test itself."""

import math
from dataclasses import replace

import numpy as np
import pytest

from acn_eval.seeds import keyed_order
from acn_eval.statistics.interim import expected_examples, found_after
from acn_eval.statistics.score import BoundedSample
from acn_eval.statistics.sequential import order_names
from acn_eval.studies.compare import look
from tests.gate.pairs import pair
from tests.statistics.test_sequential import draw, gambler

SIDE, TIE = 0.0025, 0.005  # of 2.5 % and of 5 %, a tenth for the looks


def naive(outcomes, margin):
    """The verdict of bets, as their definition says."""
    largest = {
        (bound, above): gambler(outcomes, bound, above=above).max()
        for bound in (0.0, -margin, margin)
        for above in (True, False)
    }
    if largest[0.0, True] >= 1 / SIDE:
        return "higher"
    if largest[0.0, False] >= 1 / SIDE:
        return "lower"
    tie = largest[-margin, True] >= 1 / TIE and largest[margin, False] >= 1 / TIE
    return "tie" if tie else None


@pytest.mark.parametrize(
    ("gain", "loss", "margin", "expected"),
    [
        (0.15, 0.05, 0.02, "higher"),
        (0.05, 0.15, 0.02, "lower"),
        (0.02, 0.02, 0.05, "tie"),
        (0.1, 0.1, 0.02, None),
    ],
)
def test_a_look_decides_where_a_naive_gambler_is_rich(gain, loss, margin, expected):
    outcomes = draw(np.random.default_rng(1), gain, loss, 768)
    for n in (128, 256, 512, 768):
        found = found_after(outcomes[:n], margin, last=False)
        assert (found and found.verdict) == naive(outcomes[:n], margin)
    assert (found and found.verdict) == expected


def test_limits_on_the_way_are_the_means_against_which_the_gambler_is_rich():
    outcomes = draw(np.random.default_rng(2), 0.2, 0.05, 300)
    found = found_after(outcomes, 0.3, last=False)
    ends = (found.difference.low, True, SIDE), (found.difference.high, False, SIDE)
    ties = (found.equivalence.low, True, TIE), (found.equivalence.high, False, TIE)
    for limit, above, level in (*ends, *ties):
        wealth = gambler(outcomes, limit, above=above).max()
        assert wealth == pytest.approx(1 / level, rel=1e-6)
    assert found.difference.value == pytest.approx(outcomes.mean())
    assert found.verdict == "higher"
    assert found.equivalence.shown


def test_the_last_look_takes_what_bets_and_a_stricter_final_test_leave():
    """Both kinds of limits are the tighter ones in turn; 4.5 % of 5 % are left for the test."""
    rng = np.random.default_rng(3)
    for outcomes in (draw(rng, 0.1, 0.1, 400), np.repeat([1.0, 0.0, -1.0], [30, 300, 60])):
        found = found_after(outcomes, 0.02, last=True)
        final, early = BoundedSample.of(outcomes).interval(0.955), found_after(outcomes, 2, last=0)
        low = max(final.low, early.difference.low)
        high = min(final.high, early.difference.high)
        assert found.difference.low == pytest.approx(low, abs=1e-9)
        assert found.difference.high == pytest.approx(high, abs=1e-9)


def test_the_last_look_always_has_a_verdict_and_no_other_is_undecided():
    outcomes = draw(np.random.default_rng(4), 0.1, 0.1, 200)
    assert found_after(outcomes, 0.02, last=False) is None
    assert found_after(outcomes, 0.02, last=True).verdict == "undecided"
    assert found_after(np.zeros(400), 0.02, last=True).verdict == "tie"
    assert found_after(np.zeros(400), None, last=True).verdict == "undecided"


def test_exchanged_sides_have_the_mirrored_verdict():
    outcomes = draw(np.random.default_rng(5), 0.12, 0.05, 700)
    for last in (False, True):
        ours, theirs = (found_after(d, 0.02, last=last) for d in (outcomes, -outcomes))
        assert (ours.verdict, theirs.verdict) == ("higher", "lower")
        assert ours.difference.low == pytest.approx(-theirs.difference.high, abs=1e-9)
        assert ours.equivalence.high == pytest.approx(-theirs.equivalence.low, abs=1e-9)


def sides(n=1000, **changes):
    """A pair whose suite states a margin of 2 points."""
    found = pair(n, **changes)
    return [replace(s, suite={**s.suite, "equivalence_margin": 0.02}) for s in found]


def test_a_pair_is_judged_in_the_order_that_both_weights_key():
    """What the first examples of the order say is said, whatever those of the lowest ids say."""
    new, old = sides(1000)
    order = keyed_order(
        np.arange(1000), *order_names(new.checkpoint, old.checkpoint, "robustness")
    )
    lost, gained = order[:80], order[-900:]
    values = np.zeros(1000), np.zeros(1000)
    values[1][lost], values[0][gained[-80:]] = 1, 1
    both = [
        replace(s, cells=tuple(replace(c, values=v.astype(np.float32)) for c in s.cells))
        for s, v in zip((new, old), values, strict=True)
    ]
    found = look(*both, total=2000)
    assert found.verdict == "lower"
    assert found.difference.value == 0.0


def test_the_answer_is_about_the_endpoint_alone():
    found = look(*sides(gaussian_01=(0, 100), gaussian_04=(0, 100)), total=10_000)
    assert found.sentence == (
        "new has lower corrupted accuracy than old: mean corrupted 80.0 against 90.0 %."
    )
    assert found.certainty.startswith("The difference is -10.0 points [-")
    assert "(95 % interval that is valid at any stop, over 1,000 of 10,000 examples)" in (
        found.certainty
    )
    assert (found.shown, found.total, found.saved) == (1000, 10_000, 0.9)
    assert found.accuracies == pytest.approx((0.8, 0.9))
    assert any("says nothing about the architectures" in line for line in found.warnings)


def test_a_pair_that_does_not_differ_is_a_tie_or_waits():
    assert look(*sides(gaussian_01=(60, 60), gaussian_04=(60, 60)), total=10_000) is None
    last = look(*sides(accuracy=0.5, gaussian_01=(300, 300), gaussian_04=(300, 300)), total=1000)
    assert last.verdict == "undecided"
    assert last.sentence.startswith("No difference between new and old was detected, nor are")
    tie = look(*sides(), total=10_000)
    assert tie.sentence.startswith("new and old are equivalent within 2.0 points: ")
    within = look(*sides(5000, gaussian_01=(50, 0), gaussian_04=(50, 0)), total=10_000)
    assert within.verdict == "higher"
    assert within.certainty.endswith("the difference lies within the margin of 2.0 points.")


@pytest.mark.parametrize(("difference", "margin"), [(0.05, None), (0.1, 0.02), (0.0, 0.02)])
def test_expected_examples_are_those_of_the_mean_gambler(difference, margin):
    """Purses that grow by the mean of their logarithm, example by example."""
    discordance = 0.2
    one, other = (discordance + difference) / 2, (discordance - difference) / 2
    bound = 0.0 if difference else -margin
    bets = [0.45 / 2**k for k in range(7)]
    growth = [
        one * math.log1p(b * (1 - bound))
        + other * math.log1p(b * (-1 - bound))
        + (1 - discordance) * math.log1p(-b * bound)
        for b in bets
    ]
    goal = 1 / (SIDE if difference else TIE)
    n = next(n for n in range(100_000) if sum(math.exp(n * g) for g in growth) / 7 >= goal)
    assert n - 1 < expected_examples(difference, discordance, margin) <= n
    assert expected_examples(-difference, discordance, margin) == pytest.approx(n, abs=1)


def test_nothing_is_expected_to_be_decided_without_a_difference_or_a_margin():
    assert expected_examples(0.0, 0.2, None) == math.inf
