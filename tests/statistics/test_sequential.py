"""Bets that may be looked at any time, against a naive gambler and by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acn_eval.statistics.score import ACCURACY
from acn_eval.statistics.sequential import Bets, Split


def gambler(outcomes, bound, *, above, width=2.0):
    """One purse per bet, image by image, as the definition says; returns the mean purse."""
    purses = [1.0] * 7
    wealth = []
    for outcome in outcomes:
        for k in range(7):
            bet = 0.9 / width / 2**k
            gain = (outcome - bound) if above else (bound - outcome)
            purses[k] *= 1.0 + bet * gain
        wealth.append(sum(purses) / 7)
    return np.array(wealth)


def draw(rng, gain, loss, *shape):
    return rng.choice([1.0, -1.0, 0.0], p=[gain, loss, 1 - gain - loss], size=shape)


@pytest.mark.parametrize("above", [True, False])
@pytest.mark.parametrize("bound", [-0.02, 0.0, 0.3])
def test_wealth_is_that_of_a_naive_gambler(bound, above):
    outcomes = draw(np.random.default_rng(1), 0.1, 0.05, 300)
    expected = gambler(outcomes, bound, above=above)
    found = np.exp(Bets(outcomes).log_wealth(bound, above=above))
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_accuracies_bet_twice_as_much_on_half_the_width():
    outcomes = (np.random.default_rng(2).random(200) < 0.9).astype(float)
    expected = gambler(outcomes, 0.8, above=True, width=1.0)
    found = np.exp(Bets(outcomes, ACCURACY).log_wealth(0.8, above=True))
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_the_first_time_is_found_and_never_is_zero():
    bets = Bets(np.array([[1.0] * 30, [-1.0] * 30]))
    wealth = np.exp(bets.log_wealth(-0.5, above=True))[0]
    assert bets.reached(-0.5, 0.05, above=True).tolist() == [int(np.argmax(wealth >= 20)) + 1, 0]


def test_replicates_are_judged_as_if_alone():
    outcomes = draw(np.random.default_rng(3), 0.1, 0.1, 5, 400)
    together = Bets(outcomes).log_wealth(-0.05, above=True)
    alone = [Bets(row).log_wealth(-0.05, above=True) for row in outcomes]
    np.testing.assert_allclose(together, alone)


@given(
    st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0]), min_size=1, max_size=60),
    st.floats(-0.99, 0.99),
    st.booleans(),
)
def test_wealth_is_positive_whatever_comes(outcomes, bound, above):
    assert np.all(np.isfinite(Bets(np.array(outcomes)).log_wealth(bound, above=above)))


@pytest.mark.parametrize("loss", [0.5, 0.505, 0.6])
def test_nobody_wins_in_expectation_against_a_true_statement(loss):
    """All sequences of nine images, weighted: the mean wealth is 1 at the bound, below it less."""
    sequences = np.array(np.meshgrid(*[[-1.0, 1.0]] * 9)).reshape(9, -1).T
    weights = np.prod(np.where(sequences < 0, loss, 1 - loss), axis=1)
    wealth = np.exp(Bets(sequences).log_wealth(0.0, above=True))[:, -1]
    mean = float(weights @ wealth)
    assert mean == pytest.approx(1.0, abs=1e-9) if loss == 0.5 else mean < 1


def test_limits_invert_the_test():
    outcomes = draw(np.random.default_rng(4), 0.1, 0.05, 800)
    bets, alpha = Bets(outcomes), 0.005
    low, high = bets.limits(alpha)
    for bound, above in ((low, True), (high, False)):
        peak = gambler(outcomes, bound, above=above).max()
        assert math.log(peak) == pytest.approx(-math.log(alpha), abs=1e-3)
    judged = bets.evidence(low - 1e-4, alpha)
    assert judged.p_pass < alpha
    assert bets.evidence(low + 1e-4, alpha).p_pass > alpha
    assert judged.low < judged.value < judged.high
    apart = bets.evidence(low, alpha, alpha / 8)
    assert apart.low == judged.low
    peak = gambler(outcomes, apart.high, above=False).max()
    assert math.log(peak) == pytest.approx(-math.log(alpha / 8), abs=1e-3)


def test_limits_of_little_are_the_ends_of_the_support():
    assert Bets(np.zeros(3)).limits(0.005) == (-1.0, 1.0)
    assert Bets(np.ones(3), ACCURACY).limits(0.005) == (0.0, 1.0)


def test_more_images_never_take_a_limit_back():
    outcomes = draw(np.random.default_rng(5), 0.05, 0.05, 2000)
    limits = [Bets(outcomes[:n]).limits(0.005) for n in (200, 700, 1500, 2000)]
    lows, highs = zip(*limits, strict=True)
    assert list(lows) == sorted(lows)
    assert list(highs) == sorted(highs, reverse=True)


def test_the_split_adds_up():
    split = Split.of(0.05)
    assert (split.looks, split.final) == (0.005, 0.045)
    assert split.looks + split.final == pytest.approx(0.05)


@pytest.mark.parametrize(("gain", "loss"), [(0.02, 0.04), (0.0, 0.02), (0.14, 0.16)])
def test_looking_after_every_image_errs_no_more_than_promised(gain, loss):
    """A true difference of exactly the bound; a plain z test would be rich 20 % of the time."""
    outcomes = draw(np.random.default_rng(6), gain, loss, 1000, 1500)
    rich = Bets(outcomes).reached(-0.02, 0.05, above=True) > 0
    assert rich.mean() <= 0.05 + 4 * math.sqrt(0.05 * 0.95 / 1000)
    poor = Bets(outcomes).reached(-0.02, 0.05, above=False) > 0
    assert poor.mean() <= 0.05 + 4 * math.sqrt(0.05 * 0.95 / 1000)
