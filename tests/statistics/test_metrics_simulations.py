"""Coverage of metrics that are no means, simulated with benchmarks/simulate_metrics.py.

Every bound allows four Monte Carlo standard errors. The full tables: `pytest -m slow
tests/statistics/test_metrics_simulations.py`.
"""

import numpy as np
import pytest

from acn_eval.statistics.architectures import over_examples
from acn_eval.statistics.design import Pair
from tests.simulations import script

UPPER = ("both very near 1", "both near all-accept")
COVERS = 0.94


@pytest.fixture(scope="module")
def simulate():
    with script("simulate_metrics") as found:
        yield found


def assert_covered(figures, least=COVERS):
    for figure in figures:
        assert figure.value >= least - 4 * figure.error, figure


def test_truths_of_cells_and_of_seeds_are_those_of_large_samples(simulate):
    rng = np.random.default_rng(1)
    for name in ("the same, other thresholds", "one perfect"):
        task = simulate.TASKS[name]
        shares = simulate.cells(task)
        counts = rng.multinomial(10**5, shares)
        labels, *sides = (
            np.repeat(d, counts) for d in (simulate.LABEL, simulate.OURS, simulate.THEIRS)
        )
        for metric, of in simulate.OF_CLASSES.items():
            found = np.subtract(*(of(labels, side).values.mean() for side in sides))
            assert found == pytest.approx(simulate.truth_of_cells(metric, shares), abs=0.02)
    task = simulate.TASKS["near all-accept against good"]
    labels, sides = simulate.answers_of_seeds(rng, task, 60, 4000, 0.3)
    for metric, of in simulate.OF_CLASSES.items():
        means = [np.mean([of(labels, one).values.mean() for one in side]) for side in sides]
        truth = simulate.truth_of_seeds(metric, task, 0.3)
        assert np.subtract(*means) == pytest.approx(truth, abs=0.04)


def test_two_files_cover_also_where_students_t_does_not(simulate):
    assert_covered(simulate.two_files(100, (*UPPER, "the same, other thresholds"), (277,)))


def test_zero_width_is_what_students_t_would_claim(simulate):
    """Of perfect sides: why the score method is there."""
    labels = np.arange(277) % 2
    values = simulate.matthews(labels, labels).values[None]
    assert np.ptp(over_examples(Pair(values, values).per_example).interval()) == 0
    covers = simulate.effect("checkpoints", [[simulate.matthews(labels, labels)]] * 2, scored=True)
    assert covers(0.02)
    assert not covers(0.04)


def test_seeds_cover(simulate):
    assert_covered(simulate.seeds(12, UPPER, (277,)))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_files_cover_in_every_setting(simulate):
    assert_covered(simulate.two_files())


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_seeds_cover_in_every_setting(simulate):
    """But where one side is perfect and seeds vary much: theirs are skewed."""
    for figure in simulate.seeds():
        skewed = "one perfect; seeds vary much" in figure.setting
        assert_covered([figure], 0.92 if skewed else COVERS)


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_correlations_cover(simulate):
    """But of heavy tails, or of noise that grows, in 277 examples."""
    for figure in simulate.two_files_of_numbers():
        far = "t of 5" in figure.setting or "grows" in figure.setting
        assert_covered([figure], 0.93 if far else COVERS)


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_correlations_of_seeds_cover(simulate):
    assert_covered(simulate.seeds_of_numbers())
