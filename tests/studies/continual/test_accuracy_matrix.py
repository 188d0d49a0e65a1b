"""Worked examples of what is read off an accuracy matrix, and a loop as the reference."""

import numpy as np
import pytest

from acn_eval.studies.continual.accuracy_matrix import AccuracyMatrix

# Lopez-Paz and Ranzato's R[i, j]: accuracy on task j after task i, in hundredths.
WORKED = AccuracyMatrix(np.array([[0.90, 0.20, 0.10], [0.60, 0.80, 0.30], [0.70, 0.50, 0.95]]))


def test_the_worked_example():
    assert WORKED.average == pytest.approx((0.70 + 0.50 + 0.95) / 3)
    assert WORKED.learning == pytest.approx((0.90 + 0.80 + 0.95) / 3)
    assert WORKED.forgetting == pytest.approx(((0.90 - 0.70) + (0.80 - 0.50)) / 2)
    assert WORKED.backward_transfer == pytest.approx(((0.70 - 0.90) + (0.50 - 0.80)) / 2)
    assert WORKED.intransigence(np.array([0.95, 0.90, 0.90])) == pytest.approx(
        (0.05 + 0.10 - 0.05) / 3
    )
    assert WORKED.curve() == pytest.approx([0.90, 0.70, (0.70 + 0.50 + 0.95) / 3])


def test_the_three_forgettings_differ_where_a_task_comes_back():
    """Task 1 is best right after task 2; task 2 is best at the end."""
    seen = AccuracyMatrix(np.array([[0.8, 0, 0], [0.9, 0.7, 0], [0.6, 0.8, 0.5]]))
    assert seen.forgetting == pytest.approx(((0.8 - 0.6) + (0.7 - 0.8)) / 2)
    assert seen.forgetting_best == pytest.approx(((0.9 - 0.6) + (0.7 - 0.8)) / 2)
    assert seen.forgetting_clamped == pytest.approx((0.9 - 0.6) / 2)


@pytest.mark.parametrize("seed", range(5))
def test_formulas_against_loops(seed):
    values = np.random.default_rng(seed).random((6, 6))
    seen, last = AccuracyMatrix(values), 5
    after = [values[j, j] - values[last, j] for j in range(last)]
    best = [max(values[i, j] for i in range(last)) - values[last, j] for j in range(last)]
    clamped = [max(values[i, j] for i in range(last + 1)) - values[last, j] for j in range(last)]
    assert seen.forgetting == pytest.approx(sum(after) / last)
    assert seen.forgetting_best == pytest.approx(sum(best) / last)
    assert seen.forgetting_clamped == pytest.approx(sum(clamped) / last)
    assert min(clamped) >= 0
    assert seen.forgetting <= seen.forgetting_best <= seen.forgetting_clamped


def test_one_stage_has_no_forgetting_to_speak_of():
    assert not AccuracyMatrix(np.array([[0.9, 0.8]])).sequential
    assert WORKED.sequential
