"""The cut against its definition, a naive loop of Tango tests, and scipy's t over seeds."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.stats import norm

from acn_eval.statistics.noninferiority import p_below
from acn_eval.statistics.score import BoundedSample
from acn_eval.studies.compare import compare
from acn_eval.studies.compression.depth import (
    cut_depth,
    cut_of,
    exits_of,
    images_needed,
)
from tests.statistics.results import CLEAN, PAIRED, cell, result
from tests.statistics.test_score import tango_z
from tests.studies.compression.plans import DEPTH, SHAPES, measured, network, seeds


def brute_force(correct, tolerance):
    """The smallest k such that no exit j >= k is too bad; in whole images, without rounding."""
    allowed = math.floor(tolerance * correct.shape[1] + 1e-9)
    good = [correct[-1].sum() - row.sum() <= allowed for row in correct]
    return next(k for k in range(len(correct)) if all(good[k:]))


def naive_limits(correct, tolerance, confidence=0.95):
    """One test after the other, each by Tango's closed form, until the first that fails."""
    critical, depth, n = norm.ppf((1 + confidence) / 2), len(correct) - 1, correct.shape[1]

    def z(k):
        gains = int(((correct[k] == 1) & (correct[-1] == 0)).sum())
        losses = int(((correct[k] == 0) & (correct[-1] == 1)).sum())
        return tango_z(gains, losses, n, -tolerance)

    def p_low(k):
        return p_below(BoundedSample.of(correct[k] - correct[-1]), -tolerance)

    high = depth
    while high > 0 and z(high - 1) > critical:
        high -= 1
    low = 0
    while low < depth and p_low(low) < (1 - confidence) / 2:
        low += 1
    return low, high


@pytest.mark.parametrize("shares", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("tolerance", [0.005, 0.02, 0.1])
@pytest.mark.parametrize("confidence", [0.95, 0.975])
def test_the_cut_is_its_definition_and_its_limits_are_tests_in_order(
    shares, tolerance, confidence
):
    for seed in range(3):
        correct = network(shares, seed=seed)
        found = cut_depth(correct, tolerance, confidence)
        assert found.estimate == brute_force(correct, tolerance)
        assert (found.low, found.high) == naive_limits(correct, tolerance, confidence)
        assert (found.depth, found.tolerance, found.n) == (DEPTH, tolerance, 360)


tables = st.integers(1, 5).flatmap(
    lambda exits: st.lists(
        st.lists(st.sampled_from([0.0, 1.0]), min_size=exits, max_size=exits),
        min_size=2,
        max_size=60,
    )
)


@given(tables, st.sampled_from([0.02, 0.1, 0.25, 0.5]))
def test_the_estimate_lies_between_its_limits_whatever_the_exits_answer(table, tolerance):
    correct = np.array(table).T
    found = cut_depth(correct, tolerance)
    assert found.estimate == brute_force(correct, tolerance)
    assert 0 <= found.low <= found.estimate <= found.high <= found.depth


def test_a_dip_is_not_jumped_over():
    """The smallest exit that passes on its own is 1; every exit from 3 on passes."""
    correct = network(SHAPES["a dip"], n=4000)
    found = cut_depth(correct, 0.02)
    assert (found.low, found.estimate, found.high) == (1, 3, 3)


def test_exits_that_agree_on_every_image_need_no_block():
    found = cut_depth(np.ones((DEPTH + 1, 360)), 0.02)
    assert (found.low, found.estimate, found.high) == (0, 0, 0)


def test_where_the_last_exit_is_the_worst_no_block_is_needed():
    correct = np.ones((DEPTH + 1, 360))
    correct[-1, :100] = 0
    found = cut_depth(correct, 0.02)
    assert (found.low, found.estimate, found.high) == (0, 0, 0)


def test_of_one_block():
    worse, same = np.zeros((2, 200)), np.ones((2, 200))
    worse[1] = 1
    assert [vars(cut_depth(c, 0.02))["estimate"] for c in (worse, same)] == [1, 0]
    assert cut_depth(worse, 0.02).low == 1
    assert cut_depth(same, 0.02).high == 0


def test_a_network_without_blocks_has_nothing_to_cut():
    found = cut_depth(np.ones((1, 50)), 0.02)
    assert (found.low, found.estimate, found.high, found.depth) == (0, 0, 0, 0)


@pytest.mark.parametrize(("n", "tolerance"), [(100, 0.07), (150, 0.02), (300, 0.01), (1000, 0.1)])
def test_a_loss_of_exactly_the_tolerance_is_within_it(n, tolerance):
    allowed = round(n * tolerance)
    correct = np.ones((3, n))
    correct[1, :allowed] = 0
    correct[0, : allowed + 1] = 0
    assert cut_depth(correct, tolerance).estimate == 1


@pytest.mark.parametrize("tolerance", [0.005, 0.01, 0.02, 0.05])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_images_needed_are_where_agreeing_exits_are_first_proven(tolerance, confidence):
    least = images_needed(tolerance, confidence)
    assert cut_depth(np.ones((2, least)), tolerance, confidence).high == 0
    assert cut_depth(np.ones((2, least - 1)), tolerance, confidence).high == 1


def test_exits_of_a_result_are_its_clean_ones_in_order():
    correct = network(SHAPES["rising"])
    one = measured("ac", correct)
    ids = one.cells[0].ids
    assert np.array_equal(exits_of(one), correct[:, np.argsort(ids)])
    assert cut_of(one) == cut_depth(correct, 0.02)
    assert cut_of(one, 0.975) == cut_depth(correct, 0.02, 0.975)


def test_a_network_without_exits_has_no_cut():
    foreign = result("foreign", [cell({**CLEAN, "exit": "last"}, [1, 0, 1], primary=True)])
    assert cut_of(foreign) is None


def test_two_files_differ_by_what_both_limits_allow():
    early, late = network(SHAPES["early"], 1000), network(SHAPES["rising"], 1000, seed=1)
    found = compare([measured("ac", early)], [measured("res", late)])
    (finding,) = found.findings
    left, right = cut_depth(early, 0.02), cut_depth(late, 0.02)
    for side, cut in ((finding.candidate, left), (finding.baseline, right)):
        shares = [100 * k / DEPTH for k in (cut.estimate, cut.low, cut.high)]
        assert [side.value, side.low, side.high] == shares
    wide = [cut_depth(c, 0.02, 0.975) for c in (early, late)]
    difference = finding.difference
    assert difference.value == 25 * (left.estimate - right.estimate)
    assert difference.low == 25 * (wide[0].low - wide[1].high)
    assert difference.high == 25 * (wide[0].high - wide[1].low)
    narrow = [cut_depth(c, 0.02, 0.95) for c in (early, late)]
    assert finding.limits_90 == (
        25 * (narrow[0].low - narrow[1].high),
        25 * (narrow[0].high - narrow[1].low),
    )


def with_a_block_more(cuts):
    """Variance of the mean share, its sum of squares enlarged by one block of 25 points."""
    shares = 25 * np.array(cuts)
    return (np.sum((shares - shares.mean()) ** 2) + 25**2) / (len(cuts) * (len(cuts) - 1))


def test_architectures_with_seeds_of_their_own_are_welchs_t_of_the_plug_in_cuts():
    ours, theirs = (1, 2, 1, 2), (3, 4, 4, 2)
    found = compare(seeds("acn", ours), seeds("residual", theirs))
    (finding,) = found.findings
    means = [25 * np.mean(side) for side in (ours, theirs)]
    assert not found.paired_seeds
    assert finding.difference.value == pytest.approx(means[0] - means[1])
    limits = (finding.difference.low, finding.difference.high)
    error = math.sqrt(sum(map(with_a_block_more, (ours, theirs))))
    half = stats.t.ppf(0.975, _welch_df(ours, theirs)) * error
    assert limits == pytest.approx((means[0] - means[1] - half, means[0] - means[1] + half))
    alone = stats.t.interval(0.95, 3, means[0], math.sqrt(with_a_block_more(ours)))
    assert (finding.candidate.low, finding.candidate.high) == pytest.approx(alone)
    assert finding.note.startswith(
        "plug-in cut of every training seed on these test images: 1 of 4 blocks in 2, 2 in 2 of "
        "4 seeds against 2 of 4 blocks in 1, 3 in 1, 4 in 2 of 4 seeds"
    )


def _welch_df(*sides):
    parts = [with_a_block_more(side) for side in sides]
    return sum(parts) ** 2 / sum(p**2 / (len(s) - 1) for p, s in zip(parts, sides, strict=True))


def test_architectures_that_declare_paired_seeds_are_paired():
    ours, theirs = (1, 2, 1, 2), (3, 4, 4, 3)
    order = {"data_order": "philox", "paired_seeds": PAIRED}
    found = compare(seeds("acn", ours, **order), seeds("residual", theirs, **order))
    apart = np.subtract(ours, theirs)
    paired = stats.t.interval(0.95, 3, 25 * apart.mean(), math.sqrt(with_a_block_more(apart)))
    difference = found.findings[0].difference
    assert found.paired_seeds
    assert (difference.low, difference.high) == pytest.approx(paired)


def test_seeds_that_all_agree_are_not_certain():
    """Three seeds at one block: a t interval of finite degrees of freedom, not 1.96 of a hair."""
    (finding,) = compare(seeds("acn", (2, 2, 2)), seeds("residual", (4, 4, 4))).findings
    half = stats.t.ppf(0.975, 2) * 25 / math.sqrt(6)
    assert finding.candidate.low == pytest.approx(50 - half)
    assert finding.candidate.high == pytest.approx(50 + half)
    assert finding.baseline.high == 100  # no network needs more than itself
    assert "2 of 4 blocks in 3 of 3 seeds against 4 of 4 blocks in 3 of 3 seeds" in finding.note


@pytest.mark.parametrize("files", [(2, 2), (3, 2), (1, 3)])
def test_from_two_seeds_nothing_is_said_of_architectures(files):
    ours, theirs = (seeds(n, (c,) * f) for n, c, f in zip("ab", (1, 4), files, strict=True))
    found = compare(ours, theirs)
    assert found.claim.verdict == "none"
    assert found.findings == ()
