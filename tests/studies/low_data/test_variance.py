"""Variance components: against statsmodels, by simulation, and where they are negative."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from acn_eval.studies.low_data.variance import MeanSquare, combined, components, mean_squares

NAMES = ("draw", "initialization", "test images")


def simulated(rng, spread, draws=5, repeats=2, n=200):
    """Accuracies with known variances: draw, initialization, image, draw x image, residual."""
    d, s, i, di, e = np.sqrt(spread)
    return (
        0.8
        + d * rng.standard_normal((draws, 1, 1))
        + s * rng.standard_normal((draws, repeats, 1))
        + i * rng.standard_normal((1, 1, n))
        + di * rng.standard_normal((draws, 1, n))
        + e * rng.standard_normal((draws, repeats, n))
    )


def truth(spread, n):
    return (spread[0], spread[1], sum(spread[2:]) / n)


def test_mean_squares_are_those_of_statsmodels():
    rng = np.random.default_rng(0)
    table = (rng.random((3, 2, 6)) < 0.7).astype(float)
    index = np.indices(table.shape).reshape(3, -1)
    frame = pd.DataFrame(index.T, columns=["d", "s", "i"]).assign(y=table.ravel())
    found = anova_lm(ols("y ~ C(d) + C(d):C(s) + C(i) + C(d):C(i)", frame).fit(), typ=1)
    ours = mean_squares(table)
    names = {
        "draw": "C(d)",
        "initialization": "C(d):C(s)",
        "image": "C(i)",
        "draw x image": "C(d):C(i)",
        "residual": "Residual",
    }
    for name, theirs in names.items():
        assert ours[name].df == found.df[theirs], name
        assert ours[name].value == pytest.approx(found.sum_sq[theirs] / found.df[theirs]), name
    assert sum(ms.value * ms.df for ms in ours.values()) == pytest.approx(
        float(np.sum((table - table.mean()) ** 2))
    )


def test_by_hand():
    """Two draws, two initializations, two images: every mean square in the head."""
    table = np.array([[[1.0, 0.0], [1.0, 1.0]], [[0.0, 0.0], [1.0, 0.0]]])
    ms = mean_squares(table)
    assert {name: (m.value, m.df) for name, m in ms.items()} == {
        "draw": (0.5, 1),
        "image": (0.5, 1),
        "draw x image": (0.0, 1),
        "initialization": (0.25, 2),
        "residual": (0.25, 2),
    }
    found = components(table)
    assert found["draw"].value == pytest.approx((0.5 - 0 - 0.25 + 0.25) / 4)
    assert found["initialization"].value == 0.0


@pytest.mark.parametrize("repeats", [1, 2, 3])
def test_the_parts_add_up_to_the_variance_of_one_accuracy(repeats):
    """On average, draw + initialization + images is the variance of one network's accuracy."""
    rng = np.random.default_rng(1)
    spread, n = (4e-4, 2e-4, 0.05, 0.02, 0.03), 40
    sums = []
    for _ in range(1500):
        parts = components(simulated(rng, spread, repeats=repeats, n=n))
        assert len(parts) == (2 if repeats == 1 else 3)
        sums.append(sum(e.value for e in parts.values()))
    observed = np.var([simulated(rng, spread, 1, 1, n).mean() for _ in range(20_000)])
    assert np.mean(sums) == pytest.approx(observed, rel=0.06)
    assert observed == pytest.approx(sum(truth(spread, n)), rel=0.03)


SPREADS = {
    "all of them": (4e-4, 2e-4, 0.05, 0.02, 0.03),
    "no draw": (0.0, 2e-4, 0.05, 0.02, 0.03),
    "nothing but images": (0.0, 0.0, 0.1, 0.0, 0.05),
    "no initialization": (4e-4, 0.0, 0.05, 0.02, 0.03),
}


@pytest.mark.parametrize("case", SPREADS)
def test_estimates_are_unbiased_and_limits_cover(case):
    rng = np.random.default_rng(2)
    spread, n, runs = SPREADS[case], 100, 800
    found = [components(simulated(rng, spread, n=n)) for _ in range(runs)]
    for name, true in zip(NAMES, truth(spread, n), strict=True):
        values = np.array([f[name].value for f in found])
        assert values.mean() == pytest.approx(true, abs=4 * values.std() / np.sqrt(runs)), name
        covered = np.mean([f[name].low <= true <= f[name].high for f in found])
        assert covered > 0.925, name


def test_small_components_are_negative_as_often_as_not():
    """They are shown as they fall: truncation at zero would bias them upwards."""
    rng = np.random.default_rng(3)
    spread = (0.0, 0.0, 0.05, 0.02, 0.03)
    found = [components(simulated(rng, spread, n=60)) for _ in range(300)]
    for name in ("draw", "initialization"):
        share = np.mean([f[name].value < 0 for f in found])
        assert 0.35 < share < 0.75, name
        assert all(f[name].low < f[name].value < f[name].high for f in found)


def test_accuracies_that_are_0_or_1():
    """Bernoulli outcomes whose chance of success has a draw, an initialization and an image."""
    rng = np.random.default_rng(4)
    draws, repeats, n, runs = 5, 2, 150, 400
    covered, values = [], []
    for _ in range(runs):
        d = 0.05 * rng.standard_normal((draws, 1, 1))
        s = 0.02 * rng.standard_normal((draws, repeats, 1))
        chance = np.clip(0.6 + d + s + 0.1 * rng.standard_normal((1, 1, n)), 0, 1)
        table = (rng.random((draws, repeats, n)) < chance).astype(float)
        found = components(table)["draw"]
        values.append(found.value)
        covered.append(found.low <= 0.0025 <= found.high)
    assert np.mean(values) == pytest.approx(0.0025, rel=0.2)
    assert np.mean(covered) > 0.92


def test_one_mean_square_has_the_limits_of_chi_square():
    from scipy.stats import chi2

    got = combined([(1.0, MeanSquare(3.0, 7))])
    assert got.low == pytest.approx(3.0 * 7 / chi2.ppf(0.975, 7))
    assert got.high == pytest.approx(3.0 * 7 / chi2.ppf(0.025, 7))


def test_a_difference_of_two_is_exact_where_they_are_equal():
    """The limit is 0 exactly where their ratio is the F quantile: the F test of equality."""
    from scipy.stats import f

    ratio = f.ppf(0.975, 4, 10)
    got = combined([(1.0, MeanSquare(ratio, 4)), (-1.0, MeanSquare(1.0, 10))])
    assert got.low == pytest.approx(0.0, abs=1e-9)
    lower = f.ppf(0.025, 4, 10)
    got = combined([(1.0, MeanSquare(lower, 4)), (-1.0, MeanSquare(1.0, 10))])
    assert got.high == pytest.approx(0.0, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("draws", [3, 5, 10])
def test_coverage_of_the_limits(draws):
    rng = np.random.default_rng(5)
    for spread in SPREADS.values():
        found = [components(simulated(rng, spread, draws=draws, n=80)) for _ in range(3000)]
        for name, true in zip(NAMES, truth(spread, 80), strict=True):
            covered = np.mean([f[name].low <= true <= f[name].high for f in found])
            assert covered > 0.935, (draws, spread, name, covered)
