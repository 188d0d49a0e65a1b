"""compare() and summarise() on hand-made results."""

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from acn_eval.statistics.architectures import crossed
from acn_eval.statistics.multiplicity import holm
from acn_eval.statistics.score import BoundedSample
from acn_eval.studies.compare import compare, summarize
from tests.statistics.results import CLEAN, PAIRED, STRONG, WEAK, cell, outcomes, result, simple


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def one(name, shares, rng, n=360, **changes):
    return simple(name, *(outcomes(share, n, rng) for share in shares), **changes)


def seeds(name, shares, rng, count=5, order="same", declared=PAIRED):
    about = {"data_order": order, "paired_seeds": declared}
    training = [{"seed": s, **about} for s in range(count)]
    return [
        one(name, shares, rng, about={"sha256": f"{name} {s}", "training": training[s]})
        for s in range(count)
    ]


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


def test_primary_end_point_is_the_mean_over_primary_cells_within_the_image(rng):
    sides = one("acn", (0.95, 0.9, 0.8), rng), one("res", (0.95, 0.8, 0.6), rng)
    means = [(s.cells[1].values + s.cells[2].values) / 2 for s in sides]
    primary = compare(sides[:1], sides[1:]).primary
    expected = BoundedSample.of(means[0] - means[1])
    assert primary.name == "mean corrupted"
    assert (primary.difference.low, primary.difference.high) == pytest.approx(expected.interval())
    assert primary.p == primary.p_holm


def test_suite_without_primary_cells_is_summarised_by_all(rng):
    sides = [
        result(n, [cell(c, outcomes(0.8, 50, rng), primary=False) for c in (CLEAN, WEAK)])
        for n in ("acn", "res")
    ]
    assert compare(sides[:1], sides[1:]).primary.name == "mean of all conditions"


def test_swapping_the_sides_mirrors_the_comparison(rng):
    sides = one("acn", (0.95, 0.9, 0.8), rng), one("res", (0.95, 0.8, 0.6), rng)
    forth, back = compare(sides[:1], sides[1:]), compare(sides[1:], sides[:1])
    for a, b in zip((*forth.rows, forth.primary), (*back.rows, back.primary), strict=True):
        assert a.difference.low == pytest.approx(-b.difference.high, abs=1e-8)
        assert a.p_holm == pytest.approx(b.p_holm)
        assert a.mde == pytest.approx(b.mde)


def test_order_of_images_and_files_does_not_matter(rng):
    left, right = seeds("acn", (0.9, 0.8, 0.7), rng), seeds("res", (0.9, 0.7, 0.5), rng)
    order = rng.permutation(360)
    shuffled = [
        result(
            r.checkpoint.name,
            [cell(c.condition, c.values[order], ids=order) for c in r.cells],
            about={"sha256": r.checkpoint.sha256, "training": r.checkpoint.training},
        )
        for r in right[::-1]
    ]
    a, b = compare(left, right).primary, compare(left, shuffled).primary
    assert (a.p, a.difference.low) == pytest.approx((b.p, b.difference.low))


def test_undeclared_twins_are_independent_samples(rng):
    left, right = (
        seeds(name, shares, rng, declared=None)
        for name, shares in (("acn", (0.9, 0.8, 0.7)), ("res", (0.9, 0.7, 0.5)))
    )
    matrices = [
        np.array([r.cells[1].values for r in side]).astype(float) for side in (left, right)
    ]
    found = compare(left, right)
    difference = found.rows[1].difference
    assert not found.paired_seeds
    assert (difference.low, difference.high) == pytest.approx(
        crossed(matrices[0], -matrices[1]).interval()
    )


def test_declared_twins_are_analysed_as_pairs(rng):
    left, right = seeds("acn", (0.9, 0.8, 0.7), rng), seeds("res", (0.9, 0.7, 0.5), rng)
    found = compare(left, right)
    matrix = np.array(
        [a.cells[1].values - b.cells[1].values for a, b in zip(left, right, strict=True)]
    )
    expected = crossed(matrix.astype(float))
    difference = found.rows[1].difference
    assert (found.unit, found.paired_seeds) == ("architectures", True)
    assert (difference.low, difference.high) == pytest.approx(expected.interval())


def test_other_data_order_is_analysed_as_independent(rng):
    left = seeds("acn", (0.9, 0.8, 0.7), rng)
    right = seeds("res", (0.9, 0.7, 0.5), rng, order="other")
    found = compare(left, right)
    matrices = [
        np.array([r.cells[1].values for r in side]).astype(float) for side in (left, right)
    ]
    assert not found.paired_seeds
    assert found.rows[1].p == pytest.approx(crossed(matrices[0], -matrices[1]).p())


def test_seeds_add_the_interval_on_these_test_images(rng):
    left, right = seeds("acn", (0.9, 0.8, 0.7), rng), seeds("res", (0.9, 0.7, 0.5), rng)
    row = compare(left, right).primary
    assert row.same_images.value == pytest.approx(row.difference.value)
    assert row.same_images.high - row.same_images.low < row.difference.high - row.difference.low
    assert row.p_sign_flip is None


def test_six_pairs_of_seeds_add_the_sign_flip(rng):
    found = compare(seeds("acn", (0.9, 0.9, 0.9), rng, 6), seeds("res", (0.9, 0.6, 0.5), rng, 6))
    assert found.primary.p_sign_flip == 2 / 64


def test_two_seeds_are_averaged_files(rng):
    left, right = seeds("acn", (0.9, 0.8, 0.7), rng, 2), seeds("res", (0.9, 0.7, 0.5), rng, 2)
    found = compare(left, right)
    averages = [np.mean([r.cells[1].values for r in side], axis=0) for side in (left, right)]
    assert found.unit == "checkpoints"
    assert found.rows[1].p == pytest.approx(BoundedSample.of(averages[0] - averages[1]).p())


def test_architectures_that_never_differ_keep_a_width(rng):
    values = [outcomes(share, 360, rng) for share in (0.9, 0.8, 0.7)]
    sides = [
        [simple(name, *values, about={"sha256": f"{name}{s}"}) for s in range(3)]
        for name in ("acn", "res")
    ]
    row = compare(*sides).primary
    assert row.difference.value == 0
    assert row.difference.high == pytest.approx(0.0106, abs=1e-4)


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


def test_ratio_and_its_absence(rng):
    found = compare([one("acn", (0.9, 0.9, 0.8), rng)], [one("res", (0.9, 0.7, 0.6), rng)])
    errors = [1 - (row.value) for row in (found.primary.candidate, found.primary.baseline)]
    assert found.ratio.value == pytest.approx(errors[0] / errors[1])
    perfect = simple("res", *[np.ones(360)] * 3)
    found = compare([one("acn", (0.9, 0.9, 0.8), rng)], [perfect])
    assert found.ratio is None
    assert any("mean corruption error is undefined" in warning for warning in found.warnings)


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


def test_labels_and_seeds(rng):
    found = compare(seeds("acn", (0.9, 0.8, 0.7), rng), [one("res", (0.9, 0.8, 0.7), rng)])
    assert (found.candidate.label, found.candidate.seeds) == ("acn (5 seeds)", (0, 1, 2, 3, 4))
    assert (found.baseline.label, len(found.baseline.keys)) == ("res", 1)
    assert (found.suite, found.data) == ("robustness", "npz:toy test")


def test_claim_without_clean_images_depends(rng):
    sides = [
        result(name, [cell(STRONG, outcomes(share, 360, rng))])
        for name, share in (("acn", 0.9), ("res", 0.5))
    ]
    claim = compare(sides[:1], sides[1:]).claim
    assert claim.verdict == "depends"
    assert "clean accuracy was not measured" in claim.sentence


def test_drop_lies_between_minus_two_and_two():
    """Three images lost by noise alone: left-over mass sits at the ends of [-2, 2]."""
    n = 100
    full, noisy = np.ones(n), (np.arange(n) >= 3).astype(float)
    found = compare([simple("acn", full, noisy, noisy)], [simple("res", full, full, full)])
    drop = found.claim.evidence["corrupted - clean"]
    expected = BoundedSample.of(noisy - full, (-2.0, 2.0)).interval()
    assert (drop.low, drop.high) == pytest.approx(expected)
