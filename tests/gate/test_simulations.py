"""Error rates, power and images used, simulated with benchmarks/simulate_gate.py.

Every bound allows four Monte Carlo standard errors.
"""

import pytest

from tests.simulations import of, script

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def simulate():
    with script("simulate_gate") as found:
        yield found


def test_a_candidate_exactly_at_the_margin_passes_at_most_alpha(simulate):
    figures = simulate.at_the_margin(600)
    for mode in ("fixed", "sequential"):
        for figure in of(figures, f"{mode}: PASS"):
            assert figure.value <= 0.05 + 4 * figure.error, figure


def test_looks_save_images_and_cost_little_power(simulate):
    figures = simulate.alternatives(200)
    used = {f.setting: f.value for f in of(figures, "median share used")}
    assert used["no difference, 6 % discordant, margin 2"] <= 0.30
    assert used["-5 points, 6 % discordant, margin 1"] <= 0.10
    for what in ("PASS", "FAIL"):
        pairs = zip(of(figures, f"fixed: {what}"), of(figures, f"sequential: {what}"), strict=True)
        for fixed, sequential in pairs:
            assert sequential.value >= fixed.value - 0.03, sequential


def test_whole_gates_hold_their_rates(simulate):
    figures = simulate.whole_gates(80)
    for mode in ("fixed", "sequential"):
        for figure in of(figures, f"{mode}: PASS", "exactly"):
            assert figure.value <= 0.05 + 4 * figure.error, figure
        for figure in of(figures, f"{mode}: FAIL", "no difference"):
            assert figure.value <= 0.05 + 4 * figure.error, figure
        for figure in of(figures, f"{mode}: PASS", "no difference"):
            assert figure.value >= 0.95, figure
