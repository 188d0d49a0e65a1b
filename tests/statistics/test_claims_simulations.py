"""Error rates of what is claimed, simulated with benchmarks/simulate_claims.py.

Every bound allows four Monte Carlo standard errors.
"""

import pytest

from tests.simulations import of, script

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def simulate():
    with script("simulate_claims") as found:
        yield found


def test_independent_samples_cover_and_pairs_pay_above_a_correlation_of_31(simulate):
    figures = simulate.pairing(1000)
    for figure in of(figures, "Welch cover"):
        assert figure.value >= (0.93 if "-0.25" in figure.setting else 0.95) - 4 * figure.error
    for setting, pays in (("at -0.25", False), ("at 0", False), ("at 0.6", True)):
        (pairs,), (welch,) = (
            [f for f in of(figures, f"{m}: half width, points") if f.setting.endswith(setting)]
            for m in ("pairs", "Welch")
        )
        assert (pairs.value < welch.value) == pays, setting


def test_a_tie_is_said_of_a_difference_at_the_margin_one_time_in_twenty(simulate):
    figures = simulate.ties(1500)
    for figure in of(figures, "tie", "exactly the margin"):
        assert figure.value <= 0.05 + 4 * figure.error, figure
    small, _, large = of(figures, "tie", "no difference")
    assert small.value < 0.05  # 360 images cannot show 2 points: that is undecided, no tie
    assert large.value > 0.99


def test_less_forgetting_is_not_said_where_less_was_learned(simulate):
    figures = simulate.forgetting(1500)
    for setting in ("because it learned less", "one margin less", "neither differs"):
        (better,) = of(figures, "better", setting)
        assert better.value <= 0.05 + 4 * better.error, better
    (alike,) = of(figures, "better", "learns alike")
    assert alike.value > 0.8
