"""How often gates fail and bands miss at the truth, with benchmarks/simulate_tails.py.

Simulated bounds allow four Monte Carlo standard errors; enumerated ones allow one hundredth.
"""

import numpy as np
import pytest
from scipy.special import ndtr

from acn_eval.statistics.noninferiority import p_below
from acn_eval.statistics.score import BoundedSample
from tests.simulations import script


@pytest.fixture(scope="module")
def simulate():
    with script("simulate_tails") as found:
        yield found


def test_all_samples_at_once_are_judged_like_one(simulate):
    """What the simulations count is what the package decides."""
    rng = np.random.default_rng(3)
    for values, shares in (
        (simulate.SIGNS, [0.04, 0.95, 0.01]),
        (simulate.SIXTHS, [*[0.01] * 6, 0.9, *[0.04 / 6] * 6]),
    ):
        counts = rng.multinomial(352, shares, 25)
        counts = counts[(counts > 0).any(axis=1)].astype(float)
        found = simulate.p_fail(values, counts, -0.025)
        z, _, skewness = simulate.fitted(values, counts, -0.025)
        band = simulate.skewed(z, np.maximum(skewness, 0) / 2, skewness)
        for row, count in enumerate(counts.astype(int)):
            sample = BoundedSample.of(np.repeat(values, count))
            assert found["score alone"][row] == pytest.approx(ndtr(sample.z(-0.025)), rel=1e-5)
            assert found["used"][row] == pytest.approx(p_below(sample, -0.025), rel=1e-4)
            assert band[row] == pytest.approx(sample.skewed_z(-0.025), abs=1e-5)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_rule_fails_at_its_margin_at_most_as_often_as_it_says(simulate):
    found = simulate.false_fail((100, 352, 1000, 10_000))
    used = [figure for figure in found if figure.method == "used"]
    assert max(figure.value for figure in used) <= 1.01
    assert max(figure.value for figure in found if figure.method == "score alone") > 1.7


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_corrected_tail_costs_three_points_of_power_at_most(simulate):
    assert max(figure.value for figure in simulate.power()) <= 0.03


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("table", ["eight_rules", "seven_bands"])
def test_gates_and_bands_together_err_in_a_twentieth_at_most(simulate, table):
    found = getattr(simulate, table)(20_000)
    for figure in found:
        if figure.method == "used":
            assert figure.value <= 0.05 + 4 * figure.error, figure
    assert max(figure.value for figure in found if figure.method == "score alone") > 0.055
