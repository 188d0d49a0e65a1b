"""How often the limits of a cut hold, simulated with benchmarks/simulate_depth.py.

Every bound allows four Monte Carlo standard errors.
"""

import pytest

from tests.simulations import of, script

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def simulate():
    with script("simulate_depth") as found:
        yield found


@pytest.fixture(scope="module")
def figures(simulate):
    return simulate.depth(600)


def test_the_interval_covers(figures):
    for figure in of(figures, "interval covers"):
        assert figure.value >= 0.95 - 4 * figure.error, figure


def test_the_upper_limit_is_too_early_in_a_fortieth_of_cases_at_most(figures):
    for figure in of(figures, "upper limit too early"):
        assert figure.value <= 0.025 + 4 * figure.error, figure


@pytest.mark.parametrize("setting", ["just outside the tolerance, exits agree on half", "a dip"])
def test_the_smallest_passing_exit_would_be_too_early(figures, setting):
    for figure in of(figures, "smallest passing exit too early", setting):
        assert figure.value > 0.05, figure


def test_intervals_over_seeds_cover(simulate):
    found = simulate.seeds(2500)
    for method in ("interval covers", "difference covers", "of twins covers"):
        for figure in of(found, method):
            assert figure.value >= 0.94 - 4 * figure.error, figure
    assert min(figure.value for figure in of(found, "rounding covers")) < 0.6
