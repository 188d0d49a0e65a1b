"""Error rates of what is claimed, simulated with benchmarks/simulate_claims.py.

Every bound allows four Monte Carlo standard errors.
"""

import importlib
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def simulate():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
        yield importlib.import_module("simulate_claims")


def of(figures, method, setting=""):
    chosen = [f for f in figures if f.method == method and setting in f.setting]
    assert chosen
    return chosen


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
