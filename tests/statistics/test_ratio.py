"""The ratio of errors against Fieller, the delta method and its edge cases."""

import numpy as np
import pytest
from scipy.stats import t as student

from acn_eval.statistics.design import ARCHITECTURES, CHECKPOINTS, Design, Pair
from acn_eval.statistics.ratio import error_ratio

FILES = Design(CHECKPOINTS)


def correct(share, n, seed):
    return (np.random.default_rng(seed).random((1, n)) < share).astype(float)


def test_ratio_of_sums():
    pair = Pair(np.array([[1, 1, 0, 0.5]]), np.array([[1, 0, 0, 0.5]]))
    assert error_ratio(FILES, pair).value == pytest.approx(1.5 / 2.5)


def test_limits_are_the_delta_methods_where_n_is_large():
    n = 50_000
    pair = Pair(correct(0.8, n, 1), correct(0.7, n, 2))
    found = error_ratio(FILES, pair)
    candidate, baseline = 1 - pair.candidate[0], 1 - pair.baseline[0]
    ratio = candidate.mean() / baseline.mean()
    error = np.std(candidate / candidate.mean() - baseline / baseline.mean()) / np.sqrt(n)
    assert found.value == pytest.approx(ratio)
    assert found.low == pytest.approx(ratio * np.exp(-1.96 * error), rel=1e-3)
    assert found.high == pytest.approx(ratio * np.exp(1.96 * error), rel=1e-3)


def test_limits_are_fiellers_where_only_the_seeds_vary():
    """Identical images leave A alone: then df = S - 1 and Fieller's quadratic is exact."""
    rng = np.random.default_rng(3)
    candidate, baseline = 0.4 + 0.05 * rng.random(6), 0.6 + 0.05 * rng.random(6)
    design = Design(ARCHITECTURES, twins=tuple(range(6)))
    pair = Pair(*(np.repeat(1 - side[:, None], 9, axis=1) for side in (candidate, baseline)))
    found = error_ratio(design, pair)
    critical = student.ppf(0.975, 5) ** 2
    cov = np.cov(candidate, baseline) / 6
    x, y = candidate.mean(), baseline.mean()
    quadratic = [
        y**2 - critical * cov[1, 1],
        -2 * (x * y - critical * cov[0, 1]),
        x**2 - critical * cov[0, 0],
    ]
    assert (found.low, found.high) == pytest.approx(sorted(np.roots(quadratic)), rel=1e-6)


def test_swapping_the_arms_inverts_everything():
    pair = Pair(correct(0.9, 360, 4), correct(0.8, 360, 5))
    forth, back = error_ratio(FILES, pair), error_ratio(FILES, Pair(pair.baseline, pair.candidate))
    assert forth.value == pytest.approx(1 / back.value)
    assert (forth.low, forth.high) == pytest.approx((1 / back.high, 1 / back.low), rel=1e-6)


def test_undefined_where_the_baseline_has_no_errors():
    assert error_ratio(FILES, Pair(correct(0.9, 360, 6), np.ones((1, 360)))) is None


def test_undefined_where_baseline_errors_may_be_none():
    """Three seeds of which one errs: the upper limit does not exist."""
    baseline = np.ones((3, 50))
    baseline[0, 0] = 0
    design = Design(ARCHITECTURES)
    assert (
        error_ratio(design, Pair(np.vstack([correct(0.9, 50, s) for s in range(3)]), baseline))
        is None
    )


def test_candidate_without_errors_has_ratio_zero_and_an_upper_limit():
    found = error_ratio(FILES, Pair(np.ones((1, 360)), correct(0.9, 360, 7)))
    assert found.value == found.low == 0
    assert 0 < found.high < 0.5
