"""Coverage and error rates of the statistics, simulated with benchmarks/simulate_statistics.py.

Every bound allows four Monte Carlo standard errors.
"""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "simulate_statistics.py"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def simulate():
    import sys

    spec = importlib.util.spec_from_file_location("simulate_statistics", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def of(figures, method, *, n=None, setting=""):
    chosen = [
        f for f in figures if f.method == method and setting in f.setting and n in (None, f.n)
    ]
    assert chosen
    return chosen


def assert_between(figures, low, high):
    for figure in figures:
        slack = 4 * figure.error
        assert low - slack <= figure.value <= high + slack, figure


def test_score_intervals_of_two_files_cover(simulate):
    figures = simulate.coverage_of_two_files(6000)
    assert_between(of(figures, "score"), 0.94, 0.98)
    assert_between(of(figures, "score", n=10_000), 0.95, 0.955)
    assert_between(of(figures, "Wald", n=360, setting="losses only"), 0.86, 0.89)


def test_false_pass_rate_is_held_where_walds_is_not(simulate):
    figures = simulate.false_pass()
    assert_between(of(figures, "score"), 0.0, 0.052)
    for method in ("Wald", "percentile bootstrap"):
        assert_between(of(figures, method, n=360, setting=" 0 % gains"), 0.12, 0.14)


def test_sizes_of_mcnemars_tests(simulate):
    figures = simulate.mcnemar_sizes()
    assert of(figures, "exact", n=360, setting="1 %")[0].value == pytest.approx(0.004, abs=5e-4)
    assert of(figures, "mid-p", n=360, setting="1 %")[0].value == pytest.approx(0.014, abs=5e-4)
    assert_between(of(figures, "score"), 0.03, 0.055)


def test_repeats_are_averaged_and_one_draw_is_enough(simulate):
    figures = simulate.repeats(2000)
    assert_between(of(figures, "one draw"), 0.945, 0.955)
    assert_between(of(figures, "averaged"), 0.945, 0.955)
    assert_between(of(figures, "pooled"), 0.72, 0.80)


def test_bands_hold_together_and_unadjusted_intervals_do_not(simulate):
    figures = simulate.bands(1000)
    assert_between(of(figures, "Bonferroni"), 0.95, 0.97)
    assert_between(of(figures, "unadjusted"), 0.69, 0.74)


def test_thresholds(simulate):
    figures = {f"{f.setting} {f.n}": f.value for f in simulate.thresholds()}
    assert figures["7 conditions: images needed to decide 360"] == 8
    assert figures["6 % discordant: MDE, points 360"] == pytest.approx(3.6, abs=0.05)
    assert figures["smallest p of 5 sign flips 5"] == 0.0625
    assert figures["correlation above which pairing 5 seeds pays 5"] == pytest.approx(
        0.31, abs=0.005
    )


def test_seeds_x_images_cover_and_bootstraps_do_not(simulate):
    figures = simulate.architectures(400, 150)
    assert_between(of(figures, "seeds x images"), 0.94, 0.98)
    assert_between(of(figures, "bootstrap of seeds"), 0.75, 0.87)
    assert_between(of(figures, "nested bootstrap", setting="seeds vary much"), 0.86, 0.95)
    assert_between(of(figures, "images only", n=360), 0.34, 0.94)


def test_equal_losses_in_logits_rarely_make_a_claim(simulate):
    figures = simulate.logits(800)
    assert_between(of(figures, "covers"), 0.945, 1.0)
    assert_between(of(figures, "claims"), 0.0, 0.055)
    assert_between(of(figures, "corrupted alone claims", setting="91.3"), 0.95, 1.0)


def test_ratio_of_sums_covers_and_the_mean_of_ratios_is_biased(simulate):
    figures = simulate.ratios(1500)
    assert_between(of(figures, "ratio of sums: covers 1"), 0.94, 1.0)
    assert_between(of(figures, "mean of ratios: undefined", setting="near 1"), 0.05, 0.07)
    sums = of(figures, "ratio of sums: mean", setting="near 1")[0].value
    means = of(figures, "mean of ratios: mean where defined", setting="near 1")[0].value
    assert sums == pytest.approx(1.02, abs=0.02)
    assert means == pytest.approx(1.18, abs=0.04)
