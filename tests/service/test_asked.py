"""How often a test set was asked, and alpha that is spent over versions."""

from fractions import Fraction

import numpy as np
import pytest
from scipy import stats
from sqlalchemy import insert

from acn_eval.service import tables as t
from acn_eval.service.asked import advice, spent, times_asked


def test_levels_sum_to_alpha():
    """The sum telescopes: after k looks, alpha k / (k + 1) is spent."""
    levels = [Fraction(1, k * (k + 1)) for k in range(1, 200)]
    assert sum(levels) == Fraction(199, 200)
    assert [spent(1.0, k) for k in range(1, 200)] == [float(level) for level in levels]
    assert sum(spent(0.05, k) for k in range(1, 100_000)) == pytest.approx(0.05, rel=2e-5)
    assert spent(0.05, 0) == 0.05


def family_wise(rng, spending, *, looks=40, n=400, runs=4000):
    """How often any of `looks` candidates exactly at the margin passes a one-sided t-test."""
    wrong = 0
    for _ in range(runs):
        same = rng.normal(size=(1, n))  # examples that are hard for all
        values = rng.normal(size=(looks, n)) + same
        p = stats.ttest_1samp(values, 0.0, axis=1, alternative="greater").pvalue
        level = [spent(0.05, k if spending else 0) for k in range(1, looks + 1)]
        wrong += bool(np.any(p < level))
    return wrong / runs


@pytest.mark.slow
def test_spending_holds_the_error_of_all_versions_together():
    rng = np.random.default_rng(7)
    error = 3 * np.sqrt(0.05 * 0.95 / 4000)
    assert family_wise(rng, spending=True) <= 0.05 + error
    assert family_wise(rng, spending=False) > 0.3


def test_from_one_expected_lucky_pass_on_fresh_data_are_advised():
    assert advice(1) == "This test set has given 1 verdict."
    assert "fresh" not in advice(19)
    assert advice(20).endswith("Judge the next ones on fresh data.")
    assert advice(1_000).startswith("This test set has given 1,000 verdicts; 50 of as many")


def test_verdicts_are_counted_by_test_set(database):
    row = {"kind": "gate", "request": "{}", "submitted_by": "x", "state": "done"}
    rows = [
        {**row, "key": str(i), "created": 0, "not_before": 0, "test_set": test_set}
        for i, test_set in enumerate(("a", "a", "b", None))
    ]
    with database.write() as connection:
        connection.execute(insert(t.job), rows)
    assert times_asked(database) == {"a": 2, "b": 1}
