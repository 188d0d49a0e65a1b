"""Verdicts: a truth table over rules, and what must never pass by accident."""

import re
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from acn_eval.errors import ConfigError
from acn_eval.gate import GateRule, decide, replay
from acn_eval.gate.judge import overall
from acn_eval.gate.sentence import line
from acn_eval.results import Skip
from acn_eval.statistics import Estimate
from acn_eval.statistics.noninferiority import one_sided
from acn_eval.statistics.score import BoundedSample
from tests.gate.pairs import gate, pair
from tests.gate.sides import lost, rules
from tests.statistics.results import STRONG, WEAK, cell

VERDICTS = ("pass", "fail", "no_verdict", "not_measured")


def row(verdict, *, required):
    return GateRule("r", "difference", required, -0.02, 10, Estimate(0, 0, 0), verdict=verdict)


@pytest.mark.parametrize("verdicts", product(VERDICTS, repeat=3))
def test_truth_table(verdicts):
    """Two required rules and an alarm: failure, then what is missing, then what is required."""
    first, second, alarm = verdicts
    rows = [row(first, required=True), row(second, required=True), row(alarm, required=False)]
    if "fail" in verdicts:
        expected = "fail"
    elif "not_measured" in verdicts:
        expected = "no_verdict"
    elif (first, second) == ("pass", "pass"):
        expected = "pass"
    else:
        expected = "no_verdict"
    assert overall(rows) == expected
    assert overall(rows[::-1]) == expected


def test_small_differences_pass():
    verdict = decide(gate(), *pair(1000, clean=(5, 6), gaussian_01=(10, 10), gaussian_04=(20, 22)))
    assert (verdict.verdict, verdict.exit_code, verdict.n, verdict.total) == (
        "pass",
        0,
        1000,
        1000,
    )
    assert verdict.sentence.startswith(
        "new is not worse than old beyond the margins: mean corrupted"
    )
    assert [rule.name for rule in verdict.rules] == [
        "mean corrupted",
        "clean",
        "gaussian 0.1",
        "gaussian 0.4",
    ]
    assert [rule.required for rule in verdict.rules] == [True, True, False, False]


def test_the_end_point_has_one_value_per_image():
    """Its estimate and limits are those of the mean over conditions within the image."""
    candidate, baseline = pair(1000, gaussian_01=(10, 30), gaussian_04=(20, 60))
    found = rules(decide(gate(), candidate, baseline))["mean corrupted"]
    per_image = np.mean(
        [c.values - b.values for c, b in zip(candidate.cells, baseline.cells, strict=True)][1:],
        axis=0,
    )
    assert found.estimate.value == pytest.approx(per_image.mean())
    halves = norm.ppf([0.95, 1 - 0.05 / 4]) * per_image.std() / np.sqrt(1000)
    assert found.estimate.low == pytest.approx(per_image.mean() - halves[0], abs=5e-4)
    assert found.estimate.high == pytest.approx(per_image.mean() + halves[1], abs=2e-3)


def test_damage_fails_and_is_named():
    verdict = decide(gate(), *pair(1000, gaussian_01=(0, 150), gaussian_04=(0, 300)))
    assert (verdict.verdict, verdict.exit_code) == ("fail", 1)
    assert "gaussian 0.4 -30.0 [" in verdict.sentence
    assert rules(verdict)["clean"].verdict == "pass"


def test_an_alarm_of_one_condition_fails_what_would_pass():
    good = dict(gaussian_01=(90, 0), gaussian_04=(0, 90))
    verdict = decide(gate(), *pair(1000, **good))
    assert rules(verdict)["mean corrupted"].verdict == "pass"
    assert rules(verdict)["gaussian 0.4"].verdict == "fail"
    assert verdict.verdict == "fail"
    assert decide(gate(cell=None), *pair(1000, **good)).verdict == "pass"


def test_failing_is_adjusted_over_all_rules_and_so_is_the_limit_that_is_printed():
    """Unadjusted p below .05, adjusted above: no failure, and no limit that says otherwise."""
    sides = pair(1000, gaussian_04=(2, 67))
    found = rules(decide(gate(primary=0.05, cell=0.05), *sides))["gaussian 0.4"]
    alone = one_sided(sample_of(*sides, 2), -0.05)
    assert alone.p_fail < 0.05 < found.p_fail
    assert alone.high < -0.05 < found.estimate.high
    assert found.upper_level == 1 - 0.05 / 4
    assert found.verdict == "no_verdict"


def sample_of(candidate, baseline, at):
    return BoundedSample.of(candidate.cells[at].values - baseline.cells[at].values)


share = st.floats(0.005, 0.1)


@settings(max_examples=40, deadline=None)
@given(lost, lost, lost, st.tuples(share, share, share))
def test_the_limits_that_are_printed_decide(clean, weak, strong, margins):
    """As numbers and as printed; and what fails is what Holm rejects."""
    asked = gate(**dict(zip(("primary", "clean", "cell"), margins, strict=True)))
    sides = pair(1000, clean=clean, gaussian_01=weak, gaussian_04=strong, accuracy=0.85)
    for verdict in (decide(asked, *sides), replay(asked, *sides)):
        for rule in verdict.rules:
            low, high = rule.estimate.low, rule.estimate.high
            assert (rule.verdict == "pass") == (low > rule.bound)
            assert (rule.verdict == "fail") == (high < rule.bound)
            shown = re.search(r"\[(.*), (.*)\] points \((.*) is allowed", line(rule))
            low, high, allowed = map(float, shown.groups())
            assert (rule.verdict == "pass") == (low > allowed)
            assert (rule.verdict == "fail") == (high < allowed)
    fixed = decide(asked, *sides).rules
    assert [r.verdict == "fail" for r in fixed] == [r.p_fail < 0.05 for r in fixed]


def test_a_resaved_copy_passes_without_identity():
    """The same outcomes from another file: no width collapses, so few images do not pass."""
    strict = gate(primary=0.01, clean=0.01)
    verdict = decide(strict, *pair(1000))
    assert (verdict.verdict, verdict.identical) == ("pass", False)
    assert rules(verdict)["clean"].estimate.low == pytest.approx(-0.0027, abs=1e-4)
    assert decide(strict, *pair(250)).verdict == "no_verdict"


def test_the_same_network_passes_by_identity_on_any_number_of_images():
    candidate, _ = pair(10)
    verdict = decide(gate(primary=0.001), candidate, candidate)
    assert (verdict.verdict, verdict.identical) == ("pass", True)
    assert "same weights (sha256), architecture and preprocessing" in verdict.sentence


@pytest.mark.parametrize(
    "change", [{"arch": {"kind": "mixer"}}, {"preprocessing": {"size": 8, "std": 2}}]
)
def test_equal_weights_in_another_network_are_not_identical(change):
    candidate, _ = pair(10)
    other = replace(candidate, checkpoint=replace(candidate.checkpoint, **change))
    assert not decide(gate(), candidate, other).identical


def test_identity_needs_equal_outcomes():
    """One hash and other outcomes: one of the two results is of another file."""
    candidate, baseline = pair(1000, clean=(5, 5))
    posing = replace(candidate, checkpoint=replace(baseline.checkpoint, name="new"))
    verdict = decide(gate(), posing, baseline)
    assert (verdict.verdict, verdict.rules, verdict.identical) == ("no_verdict", (), False)
    assert "same weights (sha256) and was measured alike; got 10 others" in verdict.sentence


def test_one_network_measured_in_two_precisions_is_judged_by_its_outcomes():
    candidate, baseline = pair(1000, clean=(0, 100))
    posing = replace(candidate, checkpoint=baseline.checkpoint, precision="bf16")
    verdict = decide(gate(), posing, baseline)
    assert (verdict.verdict, verdict.identical) == ("fail", False)


def test_identity_does_not_stand_in_for_what_was_not_measured():
    candidate, _ = pair(1000)
    broken = replace(candidate, cells=(*candidate.cells[:2], cell(STRONG, np.full(1000, np.nan))))
    assert decide(gate(), broken, broken).verdict == "no_verdict"
    skipped = replace(candidate, skipped=(Skip({"corruption": "jpeg", "level": 1}, "one colour"),))
    verdict = decide(gate(), skipped, skipped)
    assert verdict.verdict == "no_verdict"
    assert rules(verdict)["jpeg 1"].note == "new: one colour; new: one colour"


def test_identity_does_not_clear_a_floor():
    candidate, _ = pair(500, accuracy=0.8)
    verdict = decide(gate(floors={"clean": 0.9}), candidate, candidate)
    assert (verdict.verdict, verdict.identical) == ("fail", True)
    assert "clean itself 80.0 % [" in verdict.sentence


@pytest.mark.parametrize(
    "change",
    [
        {"noise_digest": "other"},
        {"noise_version": 2},
        {"seed": 1},
        {"suite": {"name": "robustness", "repeats": 2}},
        {"suite": {"name": "another"}},
    ],
)
def test_another_question_gives_no_verdict_even_to_a_disaster(change):
    candidate, baseline = pair(1000, clean=(0, 500))
    verdict = decide(gate(), replace(candidate, **change), baseline)
    assert (verdict.verdict, verdict.rules) == ("no_verdict", ())
    assert "must be" in verdict.sentence


@pytest.mark.parametrize("facts", [{"restricted": True}, {"class_names": {"0": "1"}}])
def test_other_meanings_of_the_classes_give_no_verdict(facts):
    """A candidate that chose among two classes is not better than one that chose among ten."""
    candidate, baseline = pair(1000, gaussian_04=(50, 0))
    own = replace(
        candidate.checkpoint, preprocessing={**candidate.checkpoint.preprocessing, **facts}
    )
    verdict = decide(gate(), replace(candidate, checkpoint=own), baseline)
    (name,) = facts
    assert verdict.verdict == "no_verdict"
    assert f"preprocessing, {name} must be that of new" in verdict.sentence


def test_how_a_network_counts_its_classes_is_its_own():
    """One that only numbers them may be judged against one that names them."""
    candidate, baseline = pair(1000, clean=(0, 0))
    own = replace(
        candidate.checkpoint,
        preprocessing={**candidate.checkpoint.preprocessing, "class_order": "position"},
    )
    assert decide(gate(), replace(candidate, checkpoint=own), baseline).verdict == "pass"


def test_outcomes_must_be_those_of_the_labels():
    """Both answer 3 on image 7: it cannot be right here and wrong there."""
    predicted = np.full(1000, 3, dtype=np.int32)
    own = {"predicted": predicted, "labels": predicted.astype(np.int64)}
    sides = [
        replace(side, cells=tuple(replace(c, **own) for c in side.cells))
        for side in pair(1000, clean=(5, 0))
    ]
    verdict = decide(gate(), *sides)
    assert (verdict.verdict, verdict.rules) == ("no_verdict", ())
    assert "outcomes must agree on the label of every example" in verdict.sentence


def test_other_images_give_no_verdict():
    candidate, baseline = pair(1000)
    other = replace(baseline, data=replace(baseline.data, fingerprint="other"))
    verdict = decide(gate(), candidate, other)
    assert verdict.verdict == "no_verdict"
    assert "data fingerprint must be that of" in verdict.sentence


def test_a_missing_condition_gives_no_verdict():
    candidate, baseline = pair(1000)
    verdict = decide(gate(), replace(candidate, cells=candidate.cells[:2]), baseline)
    assert verdict.verdict == "no_verdict"
    missing = rules(verdict)["gaussian 0.4"]
    assert (missing.verdict, missing.note) == ("not_measured", "new: not measured")
    assert (
        "new cannot be judged against old; gaussian 0.4: not measured (new: not measured)"
        in verdict.sentence
    )


def test_a_condition_that_both_skipped_gives_no_verdict():
    skipped = (Skip({"corruption": "jpeg", "level": 1}, "needs three channels"),)
    sides = [replace(side, skipped=skipped) for side in pair(1000)]
    verdict = decide(gate(cell=None), *sides)
    assert verdict.verdict == "no_verdict"
    assert "needs three channels" in rules(verdict)["jpeg 1"].note


def test_a_condition_that_the_suite_names_and_both_lack_gives_no_verdict():
    noise = {"kind": "gaussian", "levels": [0.1, 0.4, 0.9], "space": "pixel"}
    asked = {"name": "robustness", "corruptions": [noise], "repeats": 1}
    sides = [replace(side, suite=asked) for side in pair(1000)]
    verdict = decide(gate(cell=None), *sides)
    assert verdict.verdict == "no_verdict"
    assert rules(verdict)["gaussian 0.9"].note == "the suite names it, and no result has it"
    noise["levels"] = [0.1, 0.4]
    assert decide(gate(cell=None), *sides).verdict == "pass"
    twice = [replace(side, suite={**asked, "repeats": 2}) for side in sides]
    assert decide(gate(cell=None), *twice).verdict == "no_verdict"


def test_a_failure_fails_even_where_something_is_missing():
    candidate, baseline = pair(1000, clean=(0, 200))
    verdict = decide(gate(), replace(candidate, cells=candidate.cells[:2]), baseline)
    assert verdict.verdict == "fail"


def test_outcomes_that_are_no_numbers_give_no_verdict():
    candidate, baseline = pair(1000)
    broken = cell(STRONG, np.full(1000, np.nan))
    verdict = decide(gate(), replace(candidate, cells=(*candidate.cells[:2], broken)), baseline)
    assert (verdict.verdict, verdict.rules) == ("no_verdict", ())
    assert "outcomes must be numbers from 0 to 1; under corruption gaussian" in verdict.sentence


def test_images_that_one_side_lost_give_no_verdict():
    candidate, baseline = pair(1000)
    short = cell(WEAK, np.ones(900))
    verdict = decide(gate(), replace(candidate, cells=(candidate.cells[0], short)), baseline)
    assert verdict.verdict == "no_verdict"
    assert "100 of 1000 examples lack an outcome" in rules(verdict)["all examples"].note


def test_nothing_in_common_gives_no_verdict():
    candidate, baseline = pair(1000)
    verdict = decide(gate(), replace(candidate, cells=()), baseline)
    assert verdict.verdict == "no_verdict"


def test_a_result_that_was_stopped_early_is_refused():
    candidate, baseline = pair(1000)
    part = replace(candidate, details={"stopped_early": {"shown": 1000, "of": 5000}})
    with pytest.raises(ConfigError, match="stopped after 1000"):
        decide(gate(), part, baseline)


def test_order_of_the_images_does_not_matter():
    candidate, baseline = pair(1000, clean=(10, 12), gaussian_04=(30, 40))
    shuffle = np.random.default_rng(1).permutation(1000)
    cells = tuple(cell(c.condition, c.values[shuffle], c.ids[shuffle]) for c in candidate.cells)
    assert decide(gate(), replace(candidate, cells=cells), baseline) == decide(
        gate(), candidate, baseline
    )


@pytest.mark.parametrize(
    ("fixed", "details", "overrides"),
    [
        ({}, {}, ()),
        ({"seed": 1}, {}, ("seed 0",)),
        ({"limit": 1000}, {"limit": 1000}, ()),
        ({"limit": 2000}, {}, ()),  # the data has fewer
        ({"limit": 500}, {}, ("all examples",)),
        ({"limit": 500}, {"limit": 1000}, ("limit 1000",)),
        ({}, {"limit": 1000}, ("limit 1000",)),
        ({"seed": 1}, {"limit": 1000}, ("seed 0", "limit 1000")),
    ],
)
def test_stored_results_of_another_seed_or_limit_cannot_pass(fixed, details, overrides):
    own = gate(**fixed)
    good, bad = (
        [replace(side, details=details) for side in pair(1000, clean=(0, losses))]
        for losses in (0, 200)
    )
    verdict = decide(own, *good)
    assert verdict.overrides == overrides
    assert verdict.verdict == ("no_verdict" if overrides else "pass")
    assert decide(own, good[0], good[0]).verdict == verdict.verdict
    failed = decide(own, *bad)
    assert (failed.verdict, failed.overrides) == ("fail", overrides)
    assert [w for w in failed.warnings if "this cannot pass" in w] == [
        w for w in verdict.warnings if "this cannot pass" in w
    ]
    assert len(failed.warnings) == len(overrides)


def test_an_override_leaves_the_adjustment_of_the_rules_alone():
    sides = pair(1000, gaussian_04=(2, 66))
    assert (
        decide(gate(cell=0.05, seed=1), *sides).rules[:4] == decide(gate(cell=0.05), *sides).rules
    )


def test_repeats_are_averaged_within_the_image():
    candidate, baseline = pair(1000, gaussian_04=(0, 40))
    doubled = [
        replace(side, cells=(*side.cells[:2], *_twice(side.cells[2])))
        for side in (candidate, baseline)
    ]
    once, twice = decide(gate(), candidate, baseline), decide(gate(), *doubled)
    assert [r.estimate for r in twice.rules] == [r.estimate for r in once.rules]


def _twice(one):
    return [replace(one, condition={**one.condition, "repeat": i}) for i in range(2)]


def test_another_precision_is_a_warning():
    candidate, baseline = pair(1000)
    verdict = decide(gate(), replace(candidate, precision="bf16", device="cuda"), baseline)
    assert verdict.verdict == "pass"
    assert verdict.warnings[0].startswith("measured in bf16 on cuda and fp32 on cpu")
