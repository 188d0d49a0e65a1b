"""Error rates of sequential verdicts, simulated with benchmarks/simulate_sequential.py."""

from pathlib import Path

import numpy as np
import pytest

from acn_eval.statistics.interim import found_after
from acn_eval.statistics.sequential import BLOCK
from tests.simulations import of, script

PAGE = (Path(__file__).parents[2] / "docs" / "statistics.md").read_text()
PAIRS = (
    *("10 % discordant", "20 % discordant", "30 % discordant"),
    *("CIFAR-10, ViT", "digits, ViT", "digits, Mixer"),
)


@pytest.fixture(scope="module")
def simulate():
    with script("simulate_sequential") as found:
        yield found


@pytest.mark.parametrize("truth", [0.0, 0.02, 0.1])
@pytest.mark.parametrize("pair", ["10 % discordant", "digits, ViT"])
def test_all_rows_at_once_are_judged_as_each_alone(simulate, pair, truth):
    values, shares = simulate.population(pair, truth)
    rng = np.random.default_rng(int(1000 * truth))
    rows = rng.choice(values, (12, 1100), p=shares)
    found = simulate.judged(rows, truth)
    for i, row in enumerate(rows):
        for shown in (*range(BLOCK, len(row), BLOCK), len(row)):
            alone = found_after(row[:shown], simulate.MARGIN, last=shown == len(row))
            if alone is not None:
                break
        said = [name for name in ("higher", "lower", "tie") if found[name][i]]
        assert (said or ["undecided"]) == [alone.verdict]
        assert found["examples"][i] == shown
        limits = alone.difference
        assert found["interval covers"][i] == (limits.low <= truth <= limits.high)
        assert found["estimate, points"][i] == pytest.approx(100 * limits.value)


def test_populations_have_the_stated_difference(simulate):
    for pair in PAIRS:
        for points in simulate.DIFFERENCES:
            values, shares = simulate.population(pair, points / 100)
            assert values @ shares == pytest.approx(points / 100, abs=1e-9)
            assert shares.min() >= 0
    assert tuple(simulate.PAIRS) == PAIRS


@pytest.mark.parametrize("pair", PAIRS)
def test_five_points_need_a_fifth_of_the_examples(pair):
    rows = [line for line in PAGE.splitlines() if line.startswith(f"| {pair} |")]
    errors, medians, _ = (row.split(" | ")[1:] for row in rows)
    assert float(medians[4].replace(",", "")) <= 2000
    wrong, other, tie, covers, always = (float(text.strip(" |")) for text in errors)
    assert max(wrong, other, tie) <= 0.05 + 4 * 0.005
    assert min(covers, always) >= 0.95 - 4 * 0.005


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("pair", PAIRS)
def test_the_page_has_the_figures_of_the_script(simulate, pair):
    for row in simulate.rows(pair):
        assert row in PAGE.splitlines()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("pair", ["30 % discordant", "CIFAR-10, ViT"])
def test_verdicts_hold_their_rates_and_stop_early(simulate, pair):
    """Every bound allows four Monte Carlo standard errors."""
    figures = simulate.figures(pair, 200)
    for method, setting in (("off 0 without a margin", "0 points"), ("tie", "2 points")):
        for figure in (f for f in of(figures, method) if f.setting == setting):
            assert figure.value <= 0.05 + 4 * figure.error, figure
    for figure in (*of(figures, "interval covers"), *of(figures, "covers at every look")):
        assert figure.value >= 0.95 - 4 * figure.error, figure
    (five,) = (f for f in of(figures, "examples") if f.setting == "5 points")
    assert five.value <= 2000
