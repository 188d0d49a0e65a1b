"""Which variation counts: of examples alone, or of seeds that are paired or independent."""

import numpy as np
import pytest

from acn_eval.statistics.architectures import Student, crossed
from acn_eval.statistics.design import Pair, mean_of
from acn_eval.statistics.score import BoundedSample
from acn_eval.studies.compare import compare
from tests.statistics.results import (
    outcomes,
    seeds,
    simple,
)


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


def test_declared_twins_are_analyzed_as_pairs(rng):
    left, right = seeds("acn", (0.9, 0.8, 0.7), rng), seeds("res", (0.9, 0.7, 0.5), rng)
    found = compare(left, right)
    matrix = np.array(
        [a.cells[1].values - b.cells[1].values for a, b in zip(left, right, strict=True)]
    )
    expected = crossed(matrix.astype(float))
    difference = found.rows[1].difference
    assert (found.unit, found.paired_seeds) == ("architectures", True)
    assert (difference.low, difference.high) == pytest.approx(expected.interval())


def test_other_data_order_is_analyzed_as_independent(rng):
    left = seeds("acn", (0.9, 0.8, 0.7), rng)
    right = seeds("res", (0.9, 0.7, 0.5), rng, order="other")
    found = compare(left, right)
    matrices = [
        np.array([r.cells[1].values for r in side]).astype(float) for side in (left, right)
    ]
    assert not found.paired_seeds
    assert found.rows[1].p == pytest.approx(crossed(matrices[0], -matrices[1]).p())


def test_seeds_add_the_interval_on_these_test_examples(rng):
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


def test_an_endpoint_has_the_mean_support_of_its_conditions_and_the_flags_that_count():
    values = np.zeros((1, 3))
    pairs = [
        Pair(values, values, (-1.0, 2.0), ("a",)),
        Pair(values, values, (-3.0, 4.0), ("b", "a")),
        Pair(values, values, (-9.0, 9.0), ("of no weight",)),
    ]
    found = Pair.weighted(pairs, np.array([0.25, 0.75, 0.0]))
    assert found.support == pytest.approx((-2.5, 3.5))
    assert found.between == pytest.approx((-6, 6))
    assert found.flags == ("a", "b")
    unknown = [pairs[0], Pair(values, values, None)]
    assert Pair.weighted(unknown, np.array([0.5, 0.5])).between is None
    shares = Pair.weighted([Pair(values, values)] * 3, np.full(3, 1 / 3))
    assert (shares.support, shares.between) == ((0.0, 1.0), (-1.0, 1.0))


def test_examples_that_do_not_differ_are_judged_by_the_score_method():
    same, spread = np.full(50, 0.25), np.linspace(0, 1, 50)
    for scored in (True, False):
        found = mean_of(same + 1e-12 * spread, (0.0, 2.0), scored=scored)
        assert isinstance(found, BoundedSample)
        assert found.support == (0.0, 2.0)
    assert isinstance(mean_of(spread, (0.0, 2.0), scored=True), BoundedSample)
    assert isinstance(mean_of(spread, (0.0, 2.0), scored=False), Student)
    assert isinstance(mean_of(same, None, scored=True), Student)
