"""One-sided limits and tests against a bound, against statsmodels, enumeration and brute force."""

import math

import numpy as np
import pytest
from scipy.stats import binom, multinomial, norm
from statsmodels.stats.proportion import tost_proportions_2indep

from acn_eval.statistics.noninferiority import one_sided, p_below
from acn_eval.statistics.power import pass_power
from acn_eval.statistics.score import ACCURACY, BoundedSample


def differences(gains, losses, n):
    return np.r_[np.ones(gains), -np.ones(losses), np.zeros(n - gains - losses)]


def tango_z(gains, losses, n, margin):
    """Tango's score statistic of gains - losses = -margin, in closed form (his equation 4)."""
    delta = -margin
    b, c = gains, losses
    a = 2 * n
    half = -b - c + (2 * n - b + c) * delta
    q = (math.sqrt(half**2 - 4 * a * (-c * delta * (1 - delta))) - half) / (2 * a)
    return (b - c - n * delta) / math.sqrt(n * (2 * q + delta * (1 - delta)))


@pytest.mark.parametrize(
    ("gains", "losses", "n"), [(10, 12, 360), (3, 0, 360), (300, 320, 10_000), (0, 9, 352)]
)
@pytest.mark.parametrize("margin", [0.01, 0.02, 0.05])
def test_p_values_are_those_of_tangos_closed_form(gains, losses, n, margin):
    found = one_sided(BoundedSample.of(differences(gains, losses, n)), -margin)
    z = tango_z(gains, losses, n, margin)
    assert found.p_pass == pytest.approx(norm.sf(z), rel=1e-6, abs=1e-12)
    assert found.p_fail > norm.cdf(z) or z > 0  # the corrections only ever take away


def test_many_gains_and_losses_need_no_correction():
    n, margin = 1_000_000, 0.01
    found = one_sided(BoundedSample.of(differences(95_000, 106_000, n)), -margin)
    z = tango_z(95_000, 106_000, n, margin)
    assert found.p_fail == pytest.approx(norm.cdf(z), rel=2e-3)


@pytest.mark.parametrize("n", [100, 352, 1000, 10_000])
@pytest.mark.parametrize("floor", [0.5, 0.8, 0.95, 0.99])
def test_below_a_floor_is_the_exact_binomial_test(n, floor):
    spread = math.sqrt(floor * (1 - floor) * n)
    for k in (n * floor - np.array([1.5, 2.0, 3.0, 4.0]) * spread).astype(int):
        p = p_below(BoundedSample.of(np.arange(n) < k, ACCURACY), floor)
        exact = binom.cdf(k, n, floor)
        assert norm.isf(exact) - 0.12 <= norm.isf(p) <= norm.isf(exact) + 0.01


LOST = {"losses alone": (0.0, 0.03), "few gains": (0.005, 0.035), "as many": (0.06, 0.09)}


@pytest.mark.parametrize("rates", LOST.values(), ids=list(LOST))
@pytest.mark.parametrize("alpha", [0.05, 0.05 / 8])
def test_a_loss_of_exactly_the_margin_fails_at_most_alpha(rates, alpha):
    """Enumerated at n = 352: the score test alone has up to 1.8 times alpha."""
    n, found = 352, 0.0
    gains = np.arange(int(binom.ppf(1 - 1e-6, n, rates[0])) + 1)
    lost = np.arange(int(binom.ppf(0.3, n, rates[1])), int(binom.ppf(1 - 1e-6, n, rates[1])) + 1)
    for g in gains:
        # P grows with gains and falls with losses: look for the fewest losses that fail.
        fails = [k for k in lost if p_below(counted(g, k, n), -0.03) < alpha][:1]
        if fails:
            rest = np.arange(fails[0], lost[-1] + 1)
            found += multinomial.pmf(
                np.stack([np.full_like(rest, g), rest, n - g - rest], axis=1),
                n,
                [*rates, 1 - sum(rates)],
            ).sum()
    assert 0.5 * alpha < found <= 1.01 * alpha


def counted(gains, losses, n):
    values, counts = np.array([-1.0, 0.0, 1.0]), np.array([losses, n - gains - losses, gains])
    return BoundedSample(values[counts > 0], counts[counts > 0], (-1.0, 1.0))


def test_a_floor_is_wilsons_one_sided_test():
    outcomes = differences(320, 0, 360)
    found = one_sided(BoundedSample.of(outcomes, ACCURACY), 0.85)
    z = (320 / 360 - 0.85) / math.sqrt(0.85 * 0.15 / 360)
    assert found.p_pass == pytest.approx(norm.sf(z))


def test_limits_and_tests_agree_everywhere():
    rng = np.random.default_rng(1)
    for _ in range(200):
        n = int(rng.integers(20, 500))
        d = rng.choice([-1.0, -0.5, 0.0, 0.5, 1.0], n, p=[0.05, 0.02, 0.85, 0.03, 0.05])
        margin, alpha = rng.uniform(0.005, 0.2), rng.choice([0.05, 0.045, 0.005])
        found = one_sided(BoundedSample.of(d), -margin, alpha)
        assert (found.p_pass < alpha) == (found.low > -margin)
        assert (found.p_fail < alpha) == (found.high < -margin)
        apart = one_sided(BoundedSample.of(d), -margin, alpha, alpha / 8)
        assert (apart.p_fail < alpha / 8) == (apart.high < -margin)
        assert (apart.low, apart.p_fail) == (found.low, found.p_fail)
        assert apart.high > found.high
        at = one_sided(BoundedSample.of(d), apart.high, alpha, alpha / 8)
        assert at.p_fail == pytest.approx(alpha / 8, rel=1e-6)
        assert found.low <= found.value <= found.high


def test_it_agrees_with_an_unpaired_test_where_pairs_do_not_correlate():
    """Statsmodels' non-inferiority of two independent proportions: the large-sample limit."""
    rng = np.random.default_rng(2)
    left, right = (rng.random((2, 20_000)) < 0.8).astype(float)
    ours = one_sided(BoundedSample.of(left - right), -0.01)
    theirs = tost_proportions_2indep(
        left.sum(), len(left), right.sum(), len(right), -0.01, 1.0, method="score"
    )
    assert ours.p_pass == pytest.approx(theirs.pvalue, abs=0.01)


@pytest.mark.parametrize(("n", "loss", "margin"), [(360, 0.01, 0.01), (1000, 0.02, 0.02)])
def test_a_loss_of_exactly_the_margin_passes_at_most_alpha(n, loss, margin):
    """Enumerated over every number of losses, without gains: the hardest case for the limit."""
    passes = [
        one_sided(BoundedSample.of(differences(0, k, n)), -margin).p_pass < 0.05
        for k in range(int(n * loss) + 1)
    ]
    rate = float(np.dot(passes, binom.pmf(np.arange(len(passes)), n, loss)))
    assert 0.001 < rate <= 0.052


def test_power_is_what_happens():
    rng, n, margin = np.random.default_rng(3), 1000, 0.02
    draws = rng.multinomial(n, [0.03, 0.03, 0.94], 2000)
    passed = np.mean([tango_z(b, c, n, margin) > norm.ppf(0.95) for b, c, _ in draws.tolist()])
    assert passed == pytest.approx(pass_power(n, margin, 0.06), abs=0.04)
