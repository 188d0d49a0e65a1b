"""The score method against Tango, Wilson, McNemar and brute force."""

import math

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy.optimize import bisect, minimize
from scipy.stats import binom, norm, pearson3
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

from acn_eval.statistics.score import ACCURACY, BoundedSample, _as_normal

TABLES = [(9, 2, 100), (0, 5, 360), (3, 0, 50), (0, 0, 44), (40, 25, 360), (1, 1, 10000)]


def paired(gains, losses, n):
    return np.repeat([1.0, -1.0, 0.0], [gains, losses, n - gains - losses])


def tango_z(gains, losses, n, delta):
    """Closed form of Tango 1998, equation 8: q is the constrained MLE of the loss rate."""
    a = 2 * n
    b = -gains - losses + (2 * n - gains + losses) * delta
    c = -losses * delta * (1 - delta)
    q = (math.sqrt(max(b * b - 4 * a * c, 0)) - b) / (2 * a)
    return (gains - losses - n * delta) / math.sqrt(n * (2 * q + delta * (1 - delta)))


@pytest.mark.parametrize(("gains", "losses", "n"), TABLES)
@pytest.mark.parametrize("delta", [-0.7, -0.1, -0.003, 0.002, 0.05, 0.6])
def test_z_is_tangos(gains, losses, n, delta):
    found = BoundedSample.of(paired(gains, losses, n)).z(delta)
    assert found == pytest.approx(tango_z(gains, losses, n, delta), rel=1e-7, abs=1e-7)


@pytest.mark.parametrize(("gains", "losses", "n"), TABLES)
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.9929])
def test_interval_is_tangos(gains, losses, n, confidence):
    critical, mean = norm.ppf((1 + confidence) / 2), (gains - losses) / n
    edges = [
        bisect(lambda d: tango_z(gains, losses, n, d) - critical, -0.999999, mean - 1e-12),
        bisect(lambda d: tango_z(gains, losses, n, d) + critical, mean + 1e-12, 0.999999),
    ]
    found = BoundedSample.of(paired(gains, losses, n)).interval(confidence)
    assert found == pytest.approx(edges, abs=1e-8)


@pytest.mark.parametrize(("k", "n"), [(0, 30), (30, 30), (1, 360), (351, 360), (4711, 10000)])
@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_accuracy_interval_is_wilsons(k, n, alpha):
    found = BoundedSample.of(np.arange(n) < k, ACCURACY).interval(1 - alpha)
    expected = proportion_confint(k, n, alpha=alpha, method="wilson")
    assert found == pytest.approx(np.clip(expected, 0, 1), abs=1e-9)


def constrained_variance(values, delta):
    """Brute force: the likeliest weights on the outcomes and both support ends, by SLSQP."""
    points = np.append(values, [-1.0, 1.0])
    start = np.full(len(points), 1 / len(points))
    rules = [
        {"type": "eq", "fun": lambda w: w.sum() - 1},
        {"type": "eq", "fun": lambda w: w @ points - delta},
    ]
    best = minimize(
        lambda w: -np.log(np.maximum(w[:-2], 1e-300)).sum(),
        start,
        bounds=[(0, 1)] * len(points),
        constraints=rules,
        options={"maxiter": 1000, "ftol": 1e-13},
    )
    return best.x @ (points - delta) ** 2


@pytest.mark.parametrize(
    ("values", "delta"),
    [
        ([0.5, 0.0, 0.0, -0.25, 1.0, 0.75], 0.1),  # no left-over mass
        ([0.5, 0.1, 0.0, -0.25, 0.2, 0.75], 0.6),  # left-over mass at +1
        ([0.5, 0.1, 0.0, -0.25, 0.2, 0.75], -0.5),  # left-over mass at -1
        ([0.0, 0.0, 0.0], 0.3),
    ],
)
def test_z_is_brute_force_over_all_distributions(values, delta):
    values = np.array(values)
    expected = (values.mean() - delta) / math.sqrt(
        constrained_variance(values, delta) / len(values)
    )
    assert BoundedSample.of(values).z(delta) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("n", [20, 360, 50_000])
def test_zero_discordance_keeps_a_width(n):
    squared = norm.ppf(0.975) ** 2
    low, high = BoundedSample.of(np.zeros(n)).interval()
    assert -low == pytest.approx(squared / (n + squared)) == pytest.approx(high)


@pytest.mark.parametrize(("gains", "losses", "n"), [(9, 2, 100), (0, 6, 360), (40, 25, 360)])
def test_p_is_mcnemars_without_correction(gains, losses, n):
    table = [[n - gains - losses, gains], [losses, 0]]
    expected = mcnemar(table, exact=False, correction=False).pvalue
    assert BoundedSample.of(paired(gains, losses, n)).p() == pytest.approx(expected)


def size(rejects, n, discordance):
    """Enumerated rejection rate where both sides are equally good."""
    total = 0.0
    for m in range(25):
        inner = sum(binom.pmf(k, m, 0.5) for k in range(m + 1) if rejects(k, m - k))
        total += binom.pmf(m, n, discordance) * inner
    return total


def exact_p(gains, losses):
    return mcnemar([[0, gains], [losses, 0]], exact=True).pvalue


def mid_p(gains, losses):
    return exact_p(gains, losses) - binom.pmf(gains, gains + losses, 0.5)


def test_enumerated_size_of_mcnemar_and_of_the_score_test():
    """At 1 % discordance and n = 360 the exact tests hardly ever reject; the score test may."""
    n = 360
    assert size(lambda b, c: b + c > 0 and exact_p(b, c) < 0.05, n, 0.01) == pytest.approx(
        0.004, abs=5e-4
    )
    assert size(lambda b, c: b + c > 0 and mid_p(b, c) < 0.05, n, 0.01) == pytest.approx(
        0.014, abs=5e-4
    )
    score = size(lambda b, c: BoundedSample.of(paired(b, c, n)).p() < 0.05, n, 0.01)
    assert 0.014 < score < 0.055


fractions = st.lists(st.sampled_from([k / 6 for k in range(-6, 7)]), min_size=5, max_size=40)


@given(fractions)
def test_swapping_the_arms_mirrors_everything(values):
    forth, back = BoundedSample.of(np.array(values)), BoundedSample.of(-np.array(values))
    assert forth.p() == pytest.approx(back.p(), rel=1e-6, abs=1e-12)
    low, high = back.interval()
    assert forth.interval() == pytest.approx((-high, -low), abs=1e-8)


@given(fractions, st.randoms(use_true_random=False))
def test_order_of_images_does_not_matter(values, random):
    shuffled = random.sample(values, len(values))
    assert (
        BoundedSample.of(np.array(values)).interval()
        == BoundedSample.of(np.array(shuffled)).interval()
    )


@given(fractions, st.sampled_from([0.8, 0.95, 0.99]))
def test_p_below_alpha_exactly_where_the_interval_excludes_zero(values, confidence):
    sample = BoundedSample.of(np.array(values))
    low, high = sample.interval(confidence)
    assume(min(abs(low), abs(high)) > 1e-9)
    assert (sample.p() < 1 - confidence) == (low > 0 or high < 0)


@given(fractions, st.floats(-0.95, 0.95), st.floats(0.001, 0.04))
def test_z_falls_as_delta_rises(values, delta, step):
    sample = BoundedSample.of(np.array(values))
    assert sample.z(delta) >= sample.z(delta + step) - 1e-9


@given(fractions)
def test_interval_is_inside_the_support_and_around_the_mean(values):
    low, high = BoundedSample.of(np.array(values)).interval()
    mean = np.mean(values)
    assert -1 <= low <= mean + 1e-12
    assert mean - 1e-12 <= high <= 1


@pytest.mark.parametrize("skewness", [1e-12, 0.05, 0.3, 0.8])
def test_the_skewed_tail_is_that_of_a_gamma_variable(skewness):
    """Losses alone at 3 % of n images, whose fit has nearly this skewness; scipy's Pearson III."""
    for x in (1.0, 1.645, 2.5, 3.5):
        found = norm.sf(_as_normal(x, skewness))
        assert found == pytest.approx(pearson3.sf(x, skewness), rel=0.03)


@example([0.0] * 5, 2.2e-117)
@given(fractions, st.floats(-0.9, 0.9))
def test_the_skewed_z_is_never_the_larger_one_and_keeps_its_sign(values, delta):
    sample = BoundedSample.of(np.array(values))
    z, skewed = sample.z(delta), sample.skewed_z(delta, sample.step)
    assert abs(skewed) <= abs(z) + 1e-9
    assert z * skewed >= 0


@given(fractions, st.floats(-0.95, 0.95), st.floats(0.001, 0.04))
def test_skewed_z_falls_as_delta_rises(values, delta, step):
    sample = BoundedSample.of(np.array(values))
    for size in (None, sample.step):
        found = [sample.skewed_z(d, size) for d in (delta, delta + step)]
        assert found[0] >= found[1] - 1e-9


@given(fractions, st.sampled_from([0.8, 0.95, 0.993]))
def test_a_band_holds_the_interval_and_is_mirrored_with_the_arms(values, confidence):
    sample, back = BoundedSample.of(np.array(values)), BoundedSample.of(-np.array(values))
    low, high = sample.band(confidence)
    inner = sample.interval(confidence)
    assert low <= inner.low + 1e-9
    assert inner.high <= high + 1e-9
    mirrored = back.band(confidence)
    assert (-mirrored.high, -mirrored.low) == pytest.approx((low, high), abs=1e-8)


def test_a_band_and_p_agree_at_zero_for_right_and_wrong():
    """At no difference the fit is symmetric, so that nothing is corrected there."""
    sample = BoundedSample.of(paired(0, 8, 360))
    assert sample.skewed_z() == pytest.approx(sample.z())
    assert sample.band(1 - 0.05 / 7).high < 0


@pytest.mark.parametrize(("gains", "losses", "expected"), [(0, 10, 1.0), (5, 5, 0.0), (2, 6, 0.5)])
def test_the_step_is_that_of_whole_images_without_gains(gains, losses, expected):
    assert BoundedSample.of(paired(gains, losses, 10_000)).step == pytest.approx(
        expected, abs=3e-3
    )
    assert BoundedSample.of(np.arange(50) < 20, ACCURACY).step == 1.0
    assert BoundedSample.of(np.zeros(50)).step == 0.0


def test_all_outcomes_at_the_end_of_the_support():
    sample = BoundedSample.of(np.ones(50))
    assert sample.interval().high == sample.band(0.95).high == 1.0
    assert sample.skewed_z(1.0) == 0.0
    assert sample.z(1.0) == 0.0
    assert BoundedSample.of(np.zeros(50), ACCURACY).z(0.0) == 0.0
    assert BoundedSample.of(np.ones(50), ACCURACY).z(0.0) == math.inf


def test_fifty_thousand_fractional_outcomes():
    values = np.random.default_rng(1).integers(-20, 21, 50_000) / 20
    low, high = BoundedSample.of(values).interval()
    half = norm.ppf(0.975) * values.std() / math.sqrt(len(values))
    assert (high - low) / 2 == pytest.approx(half, rel=1e-3)


@pytest.mark.parametrize("values", [[], [0.0, 1.5], [math.nan]])
def test_refuses_outcomes_outside_the_support(values):
    with pytest.raises(ValueError, match=r"in \[-1, 1\]"):
        BoundedSample.of(np.array(values))
