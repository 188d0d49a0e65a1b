"""Rows: the score method, Holm over the conditions, flags, and limits within the range."""

from dataclasses import replace

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from acn_eval.results import Cell
from acn_eval.statistics.architectures import crossed
from acn_eval.statistics.multiplicity import holm
from acn_eval.statistics.score import BoundedSample
from acn_eval.studies.compare import compare, join, summarize
from tests.statistics.results import CLEAN, STRONG, WEAK, one, result, simple


def test_row_of_two_files_is_the_score_method(rng):
    sides = one("acn", (0.95, 0.9, 0.8), rng), one("res", (0.95, 0.8, 0.6), rng)
    found = compare(sides[:1], sides[1:])
    weak = [side.cells[1].values for side in sides]
    expected = BoundedSample.of(weak[0] - weak[1])
    row = found.rows[1]
    assert found.unit == "checkpoints"
    assert (row.difference.low, row.difference.high) == pytest.approx(expected.interval())
    assert (row.band_low, row.band_high) == pytest.approx(expected.band(1 - 0.05 / 3))
    assert (found.primary.band_low, found.primary.band_high) == pytest.approx(
        (found.primary.difference.low, found.primary.difference.high)
    )
    assert row.p == pytest.approx(expected.p())
    assert row.discordance == pytest.approx(np.mean(weak[0] != weak[1]))
    wilson = proportion_confint(weak[0].sum(), 360, method="wilson")
    assert (row.candidate.low, row.candidate.high) == pytest.approx(wilson)


def test_holm_runs_over_all_conditions_of_the_suite(rng):
    found = compare([one("acn", (0.95, 0.9, 0.8), rng)], [one("res", (0.9, 0.85, 0.7), rng)])
    assert [r.p_holm for r in found.rows] == pytest.approx(holm([r.p for r in found.rows]))


def test_flags(rng):
    n = 400
    shares = [np.arange(n) < k for k in (396, 200, 59)]
    found = compare([simple("acn", *shares)], [simple("res", *shares)])
    assert [row.notes for row in found.rows] == [
        ("undecidable", "ceiling"),
        ("undecidable",),
        ("undecidable", "floor"),
    ]
    assert BoundedSample.of(shares[2].astype(float)).value < 0.15


def test_summary_of_one_file(rng):
    found = summarize([one("acn", (0.99, 0.9, 0.8), rng)])
    assert [row.name for row in found] == [
        "clean",
        "gaussian 0.1",
        "gaussian 0.4",
        "mean corrupted",
    ]
    assert found[3].estimate.value == pytest.approx(
        (found[1].estimate.value + found[2].estimate.value) / 2
    )
    assert found[0].notes == ("ceiling",)


def test_summary_of_seeds_lets_seeds_vary(rng):
    files = [
        one("acn", (share, 0.9, 0.8), rng, about={"sha256": str(share)})
        for share in (0.6, 0.8, 0.95)
    ]
    estimate = summarize(files)[0].estimate
    matrix = np.array([f.cells[0].values for f in files]).astype(float)
    low, high = crossed(matrix).interval()
    assert (estimate.low, estimate.high) == pytest.approx((max(low, 0), min(high, 1)))
    assert estimate.high == 1.0


def told(name, rng, *answers, classes=("no", "yes")):
    """Labels are odd ids; each answer is of one condition."""
    labels, made = np.arange(200) % 2, []
    for condition, answer in zip((CLEAN, WEAK, STRONG), answers, strict=True):
        wrong = rng.random(200) < 0.1
        own = np.where(wrong, 1 - labels, labels) if answer is None else np.full(200, answer)
        made.append(Cell.answered(condition, np.arange(200), labels, own.astype(np.int32)))
    cells = [replace(cell, primary=at > 0) for at, cell in enumerate(made)]
    found = result(name, cells)
    return replace(found, data=replace(found.data, classes=classes))


@pytest.mark.parametrize("metric", ["matthews", "f1"])
def test_what_was_counted_without_a_definition_is_flagged_where_it_counts(rng, metric):
    """Under strong noise one network says the same of every example."""
    sides = told("acn", rng, None, None, 0), told("res", rng, None, None, None)
    found = compare(sides[:1], sides[1:], metric=metric)
    flag = {"matthews": "one class alone is predicted: counted as 0"}.get(metric)
    flags = (flag,) if flag else ()  # F1 without a hit is 0 by definition
    notes = [row.notes for row in (*found.rows, found.primary)]
    plain, flagged = ("score limits",), (*flags, "score limits")
    assert notes == [plain, plain, flagged, flagged]
    assert found.rows[2].candidate.value == pytest.approx(0)
    assert found.rows[2].candidate.high > 0.05
    assert [row.notes for row in summarize(sides[:1], metric=metric)] == notes
    named = "F1 of class 1: the positive class is yes"
    assert (named in found.warnings) == (metric == "f1")


def test_a_metric_of_its_support_has_score_limits_and_bands(rng):
    sides = told("acn", rng, None, None, None), told("res", rng, None, None, None)
    found = compare(sides[:1], sides[1:], metric="matthews")
    outcomes = join(sides, metric="matthews")
    pair = outcomes.pairs(1)[1]
    sample = BoundedSample.of(pair.per_example, pair.between)
    row = found.rows[1]
    assert (row.difference.low, row.difference.high) == pytest.approx(sample.interval())
    assert (row.band_low, row.band_high) == pytest.approx(sample.band(1 - 0.05 / 3))
    assert row.p == pytest.approx(sample.p())
    side = BoundedSample.of(pair.candidate[0], pair.support).interval()
    assert (row.candidate.low, row.candidate.high) == pytest.approx(side)


def test_a_tie_in_another_metric_is_within_the_margin_that_the_suite_states_for_it(rng):
    labels = rng.integers(0, 2, 2000)
    answers = np.where(rng.random(2000) < 0.1, 1 - labels, labels)
    sides = []
    for name in ("acn", "res"):
        own = np.where(rng.random(2000) < 0.01, 1 - answers, answers).astype(np.int32)
        sides.append(result(name, [Cell.answered(CLEAN, np.arange(2000), labels, own)]))

    def verdict(margins, metric):
        suite = {"name": "robustness", "equivalence_margin": 0.5, **margins}
        found = compare(*([replace(side, suite=suite)] for side in sides), metric=metric)
        return found.claim.verdict, found.claim.equivalence and found.claim.equivalence.margin

    stated = {"equivalence_margins": {"matthews": 0.05, "f1": 0.001, "nll": "wide"}}
    assert verdict(stated, "matthews") == ("tie", 0.05)
    assert verdict(stated, "f1") == ("undecided", 0.001)
    assert verdict(stated, "balanced_accuracy") == ("undecided", None)
    assert verdict({"equivalence_margins": [1]}, "matthews") == ("undecided", None)
    assert verdict({}, "matthews") == ("undecided", None)
