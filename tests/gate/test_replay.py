"""Looks on the way: any looks, the same verdict; and stopping as a naive gambler would."""

import math
from dataclasses import replace

import numpy as np
import pytest

from acn_eval.gate import decide, look, replay
from acn_eval.results import EvalResult
from acn_eval.seeds import keyed_order
from tests.gate.pairs import gate, pair
from tests.statistics.test_sequential import gambler

EASY = dict(clean=(60, 60), gaussian_01=(150, 150), gaussian_04=(300, 300))
WORSE = dict(clean=(0, 600), gaussian_01=(0, 600), gaussian_04=(0, 600))


def order_of(candidate, baseline):
    keys = candidate.checkpoint.sha256, baseline.checkpoint.sha256, "robustness"
    return keyed_order(candidate.cells[0].ids, *keys)


def first(result: EvalResult, where) -> EvalResult:
    """The result on some of its images, as a run that is under way has it."""
    cells = tuple(replace(c, ids=c.ids[where], values=c.values[where]) for c in result.cells)
    return replace(result, cells=cells, data=replace(result.data, n=len(where)))


@pytest.mark.parametrize(("changes", "expected"), [(EASY, "pass"), (WORSE, "fail")])
def test_it_stops_early_and_agrees_with_the_whole(changes, expected):
    candidate, baseline = pair(6000, **changes)
    wide = gate(primary=0.04, clean=0.04, cell=0.2)
    verdict = replay(wide, candidate, baseline)
    assert verdict.verdict == expected == decide(wide, candidate, baseline).verdict
    assert verdict.early
    assert verdict.n % 256 == 0
    assert verdict.n < 3000
    assert verdict.total == 6000
    assert {(r.level, r.upper_level) for r in verdict.rules} == {(0.995, 1 - 0.005 / 4)}
    assert f"(stopped early, after {verdict.n:,} of 6,000 examples)" in verdict.sentence


def test_the_stop_is_that_of_a_naive_gambler():
    candidate, baseline = pair(6000, **WORSE)
    wide = gate(primary=0.04, clean=0.04, cell=0.2)
    order = order_of(candidate, baseline)
    d = [
        (c.values - b.values)[order].astype(float)
        for c, b in zip(candidate.cells, baseline.cells, strict=True)
    ]
    bounds = {-0.04: [np.mean(d[1:], axis=0), d[0]], -0.2: d[1:]}
    failed = [
        int(np.argmax(gambler(x[:2000], bound, above=False) >= 4 / 0.005)) + 1
        for bound, outcomes in bounds.items()
        for x in outcomes
        if gambler(x[:2000], bound, above=False).max() >= 4 / 0.005
    ]
    expected = math.ceil(min(failed) / 100) * 100
    assert replay(wide, candidate, baseline, block=100).n == expected


def test_limits_of_an_early_stop_are_wider_and_hold_the_whole_estimate():
    candidate, baseline = pair(6000, **EASY)
    wide = gate(primary=0.04, clean=0.04, cell=0.2)
    early, whole = replay(wide, candidate, baseline), decide(wide, candidate, baseline)
    for a, b in zip(early.rules, whole.rules, strict=True):
        assert a.estimate.low < b.estimate.value < a.estimate.high
        assert a.estimate.high - a.estimate.low > b.estimate.high - b.estimate.low


@pytest.mark.parametrize("changes", [EASY, WORSE, {}])
def test_looks_may_be_any(changes):
    """A run that was killed and looked at other moments says the same, if perhaps later."""
    candidate, baseline = pair(6000, **changes)
    wide = gate(primary=0.04, clean=0.04, cell=0.2)
    found = [replay(wide, candidate, baseline, block=block) for block in (1, 64, 256, 999)]
    assert len({verdict.verdict for verdict in found}) == 1
    stops = [verdict.n for verdict in found]
    assert all(
        0 <= n - stops[0] < block for n, block in zip(stops, (1, 64, 256, 999), strict=True)
    )


def test_a_run_under_way_is_judged_like_the_replay():
    candidate, baseline = pair(6000, **EASY)
    wide = gate(primary=0.04, clean=0.04, cell=0.2)
    order, expected = order_of(candidate, baseline), replay(wide, candidate, baseline)
    for shown in range(256, expected.n + 1, 256):
        part = [first(side, order[:shown]) for side in (candidate, baseline)]
        verdict = look(wide, *part, total=6000)
        assert (verdict is None) == (shown < expected.n)
    assert (verdict.verdict, verdict.n, verdict.rules) == (
        expected.verdict,
        expected.n,
        expected.rules,
    )


def test_undecided_bets_end_with_the_test_of_all_images():
    candidate, baseline = pair(1000, clean=(8, 8), gaussian_01=(30, 30), gaussian_04=(60, 60))
    verdict = replay(gate(primary=0.015, clean=0.015), candidate, baseline)
    assert (verdict.verdict, verdict.early, verdict.n) == ("pass", False, 1000)
    assert [r.level for r in verdict.rules] == pytest.approx([0.95] * 4)
    assert [r.upper_level for r in verdict.rules] == pytest.approx([1 - 0.05 / 4] * 4)
    assert look(gate(primary=0.015, clean=0.015), candidate, baseline, total=1000) == verdict


def test_the_final_test_pays_for_the_looks():
    """What passes by a hair at .05 must not at .045 after looks on the way."""
    sides = pair(1000, clean=(20, 28))
    strict = gate(cell=None)
    fixed, looked = decide(strict, *sides), replay(strict, *sides)
    p = next(rule.p_pass for rule in fixed.rules if rule.name == "clean")
    assert 0.045 < p < 0.05
    assert (fixed.verdict, looked.verdict) == ("pass", "no_verdict")


def test_a_missing_condition_can_only_fail():
    candidate, baseline = pair(6000, **EASY)
    part = replace(candidate, cells=candidate.cells[:2])
    wide = gate(primary=0.04, clean=0.04, cell=0.2)
    assert replay(wide, part, baseline).verdict == "no_verdict"
    candidate, baseline = pair(6000, **WORSE)
    part = replace(candidate, cells=candidate.cells[:2])
    assert replay(wide, part, baseline).verdict == "fail"


def test_identical_networks_and_other_questions_need_no_looks():
    candidate, baseline = pair(100)
    assert replay(gate(), candidate, candidate).identical
    assert replay(gate(), replace(candidate, seed=3), baseline).verdict == "no_verdict"


def test_the_order_is_keyed_by_both_weights():
    candidate, baseline = pair(1000)
    other, _ = pair(1000, names=("newer", "old"))
    assert not np.array_equal(order_of(candidate, baseline), order_of(other, baseline))
