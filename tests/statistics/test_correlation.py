"""Pearson's and Spearman's correlation against scipy, moving weights and the paired bootstrap."""

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from acn_eval.statistics.correlation import pearson, spearman
from acn_eval.statistics.design import CHECKPOINTS, Design, Pair
from acn_eval.statistics.influence import Undefined

REFERENCES = {pearson: pearsonr, spearman: spearmanr}


def draw(kind, n=150, seed=3):
    """Predictions and targets (n,)."""
    rng = np.random.default_rng(seed)
    targets = rng.normal(size=n)
    predicted = 0.7 * targets + 0.5 * rng.standard_t(4, n)
    if kind == "ties":
        return np.round(predicted), np.round(2 * targets) / 2
    if kind == "negative":
        return -np.exp(predicted), targets
    if kind == "two values":
        return (predicted > 1).astype(float), (targets > 0.5).astype(float)
    return predicted, targets


KINDS = ("plain", "ties", "negative", "two values")


def weighted(metric, x, y, w):
    """The correlation of weighted examples, by the definition and in quadratic time."""
    w = w / w.sum()
    if metric is spearman:
        x, y = ((v[:, None] > v) @ w + (v[:, None] == v) @ w / 2 for v in (x, y))
    x, y = x - w @ x, y - w @ y
    return (w @ (x * y)) / np.sqrt((w @ x**2) * (w @ y**2))


def slope(metric, x, y, new):
    """N times the derivative by the weight of a new example, by central differences."""
    x, y = np.append(x, new[0]), np.append(y, new[1])
    values = [weighted(metric, x, y, np.append(np.ones(len(x) - 1), s)) for s in (1e-5, -1e-5)]
    return (values[0] - values[1]) / 2e-5 * (len(x) - 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("metric", REFERENCES)
def test_the_mean_is_the_value_of_scipy(metric, kind):
    for seed in range(5):
        sides = draw(kind, 40, seed)
        assert metric(*sides).values.mean() == pytest.approx(
            REFERENCES[metric](*sides).statistic, abs=1e-11
        )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("metric", REFERENCES)
def test_influence_is_that_of_weights_that_move(metric, kind):
    x, y = draw(kind)
    expected = np.array([slope(metric, x, y, both) for both in zip(x, y, strict=True)])
    if metric is pearson:  # as leave-one-out values are larger than influences
        u, v = (x - x.mean()) / x.std(), (y - y.mean()) / y.std()
        expected /= 1 - (1 + (u**2 + v**2) / 2) / len(x)
    values = metric(x, y).values
    assert values - values.mean() == pytest.approx(expected - expected.mean(), abs=1e-4)


def test_the_error_is_that_of_leaving_examples_out():
    for seed in range(5):
        x, y = draw("plain", 60, seed)
        out = [pearsonr(np.delete(x, i), np.delete(y, i)).statistic for i in range(60)]
        expected = np.std(59 * (np.mean(out) - np.array(out)), ddof=1)
        assert np.std(pearson(x, y).values, ddof=1) == pytest.approx(expected, rel=0.04)


@pytest.mark.parametrize("metric", REFERENCES)
def test_the_support_holds_what_any_prediction_would_have_moved(metric):
    x, y = draw("plain", 30)
    measured = metric(x, y)
    moves = []
    for target in (y.min(), y.max()):
        every = [slope(metric, x, y, (other, target)) for other in x]
        moves.append(max(every) - min(every))
    low, high = measured.support
    assert low <= measured.values.min()
    assert measured.values.max() <= high
    assert high - low == pytest.approx(max(*moves, np.ptp(measured.values)), rel=1e-3)


@pytest.mark.parametrize("metric", REFERENCES)
@pytest.mark.parametrize("n", [100, 1000])
def test_equal_or_perfect_predictions_leave_an_interval(metric, n):
    x, y = draw("plain", n)
    for predicted in (x, y):
        measured = metric(predicted, y)
        pair = Pair(measured.values[None], measured.values[None], measured.support)
        design = Design(CHECKPOINTS, scored=False)
        low, high = design.difference(pair).interval()
        ends, z2 = measured.support[1] - measured.support[0], 1.96**2
        assert (-low, high) == pytest.approx([ends * z2 / (n + z2)] * 2, rel=1e-3)
        side = design.accuracy(pair.candidate, pair.support).interval()
        assert side.high - side.low > 3 / n
        if predicted is y:
            assert measured.values == pytest.approx(np.ones(n), abs=1e-9)


@pytest.mark.parametrize("metric", REFERENCES)
def test_constant_numbers_have_no_correlation(metric):
    _, y = draw("plain")
    with pytest.raises(Undefined, match="all predictions are equal"):
        metric(np.full(150, 0.3), y)
    with pytest.raises(Undefined, match="all targets are equal"):
        metric(y, np.full(150, 0.3))


def test_one_example_far_out_is_no_division_by_zero():
    x, y = np.zeros(10), np.zeros(10)
    x[3] = y[3] = 1e30
    assert np.isfinite(pearson(x, y).values).all()
    assert pearson(x, y).values.mean() == pytest.approx(1)


@pytest.mark.parametrize("metric", REFERENCES)
def test_limits_of_a_difference_are_those_of_the_paired_bootstrap(metric):
    n = 600
    ours, y = draw("ties", n, 9)
    theirs = ours + np.random.default_rng(2).normal(size=n) / 2
    sides = [metric(side, y).values for side in (ours, theirs)]
    pair = Pair(sides[0][None], sides[1][None], None)
    limits = Design(CHECKPOINTS, scored=False).difference(pair).interval()
    rng, draws = np.random.default_rng(0), []
    for _ in range(400):
        at = rng.integers(0, n, n)
        both = [REFERENCES[metric](side[at], y[at]).statistic for side in (ours, theirs)]
        draws.append(both[0] - both[1])
    assert (limits.high - limits.low) / 3.92 == pytest.approx(np.std(draws), rel=0.1)
