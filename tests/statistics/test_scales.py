"""Other scales: errors against Fieller and the delta method, logits against Woolf's variance."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import t as student

from acn_eval.statistics.design import ARCHITECTURES, CHECKPOINTS, Design, Pair
from acn_eval.statistics.scales import error_ratio, logit_difference

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


def share(accuracy, n=1000):
    return (np.arange(n) < round(accuracy * n)).astype(float)[None]


def test_equal_losses_in_logits_are_no_difference():
    """2 logits lost from 91.3 % and from 95.7 % are -16.4 points, and nothing in logits."""
    clean = Pair(share(0.913), share(0.957))
    corrupted = Pair(share(0.587), share(0.751))
    assert (corrupted.per_example.mean(), (corrupted - clean).per_example.mean()) == pytest.approx(
        (-0.164, -0.120)
    )
    assert logit_difference(FILES, corrupted, clean).value == pytest.approx(0, abs=0.02)


def test_variance_is_woolfs_where_the_four_accuracies_are_uncorrelated():
    """Every combination of four outcomes once: sample covariances are exactly 0."""
    a, b, c, d = np.array(list(product((0.0, 1.0), repeat=4)) * 20).T[:, None, :]
    found = logit_difference(FILES, Pair(a, b), Pair(c, d))
    n, k = 320, 160
    woolf = 1 / (k + 0.5) + 1 / (n - k + 0.5)
    assert found.value == pytest.approx(0)
    assert found.variance == pytest.approx(4 * woolf, rel=1e-3)


def test_ceiling_keeps_a_width():
    full = np.ones((1, 360))
    found = logit_difference(FILES, Pair(share(0.7, 360), share(0.6, 360)), Pair(full, full))
    assert found.variance > 2 * (1 / 360.5 + 1 / 0.5) * 0.99


def test_common_images_cancel():
    one = Pair(share(0.7), share(0.7))
    clean = Pair(share(0.95), share(0.95))
    found = logit_difference(FILES, one, clean)
    assert found.value == 0
    assert found.variance < 0.01


def test_seeds_widen_it():
    rng = np.random.default_rng(0)
    strong = Pair(*(np.vstack([share(a) for a in rng.uniform(0.5, 0.7, 5)]) for _ in range(2)))
    clean = Pair(*(np.vstack([share(0.95)] * 5) for _ in range(2)))
    few = logit_difference(Design(ARCHITECTURES), strong, clean)
    same = logit_difference(FILES, strong, clean)
    assert few.value == pytest.approx(same.value)
    assert few.variance > 2 * same.variance
    assert few.df < 20


@pytest.mark.parametrize("unit", [CHECKPOINTS, ARCHITECTURES])
def test_at_the_ceiling_the_half_observations_are_all_of_the_variance(unit):
    """Five seeds a side without one error: nothing scatters, and the logit is not certain."""
    full = np.ones((5, 360))
    found = logit_difference(Design(unit), Pair(full, full), Pair(full, full))
    share = 360.5 / 361
    one = (0.5 / share**2 + 0.5 / (1 - share) ** 2) / 361**2
    assert found.variance == pytest.approx(4 * one / 5)
