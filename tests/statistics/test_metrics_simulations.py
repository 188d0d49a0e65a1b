"""Coverage of metrics that are no means, simulated with benchmarks/simulate_metrics.py
and simulate_correlations.py.

Every bound allows four Monte Carlo standard errors. The full tables: `pytest -m slow
tests/statistics/test_metrics_simulations.py`.
"""

import numpy as np
import pytest

from acn_eval.statistics.architectures import crossed, over_examples
from acn_eval.statistics.correlation import pearson, spearman
from tests.simulations import script

UPPER = ("both very near 1", "both near all-accept")
COVERS = 0.94


@pytest.fixture(scope="module")
def simulate():
    with script("simulate_metrics") as found:
        yield found


@pytest.fixture(scope="module")
def numbers():
    with script("simulate_correlations") as found:
        yield found


def assert_covered(figures, least=COVERS):
    for figure in figures:
        assert figure.value >= least - 4 * figure.error, figure


def each(of, labels, sides):
    """Values (replicates, seeds, n) of the package, one sample at a time."""
    return np.array(
        [
            [of(one, label[0]).values for one in seeds]
            for seeds, label in zip(sides, labels, strict=True)
        ]
    )


def test_all_samples_at_once_are_judged_like_one(simulate, numbers):
    """What the simulations count is what the package decides."""
    rng = np.random.default_rng(0)
    task = simulate.TASKS["near all-accept against good"]
    labels, sides = simulate.answers_of_seeds(rng, task, (8, 3, 50), 0.3)
    for metric, of in simulate.OF_CLASSES.items():
        ours, theirs = (simulate.counted(metric, labels, side) for side in sides)
        assert ours == pytest.approx(each(lambda p, y, of=of: of(y, p), labels, sides[0]))
        for truth in (0.0, -0.3):
            limits = [crossed(a, -b).interval() for a, b in zip(ours, theirs, strict=True)]
            expected = [low <= truth <= high for low, high in limits]
            assert simulate.crossed_covers(ours, theirs, truth) == expected
    for setting in numbers.NUMBERS:
        targets, sides = numbers.numbers(rng, (4, 1, 60), setting)
        for metric, of in (("Pearson", pearson), ("Spearman", spearman)):
            found = numbers.correlated(metric, sides[0], targets)
            assert found == pytest.approx(each(of, targets, sides[0]))
    gaps = found[:, 0] - found.mean()
    limits = [over_examples(gap).interval() for gap in gaps]
    assert numbers.t_covers(gaps, 0.1) == [low <= 0.1 <= high for low, high in limits]


def test_truths_are_those_of_large_samples(simulate, numbers):
    rng = np.random.default_rng(1)
    for name in ("the same, other thresholds", "one perfect"):
        shares = simulate.cells(simulate.TASKS[name])
        counts = rng.multinomial(10**5, shares)
        labels, *sides = (
            np.repeat(d, counts) for d in (simulate.LABEL, simulate.OURS, simulate.THEIRS)
        )
        for metric, of in simulate.OF_CLASSES.items():
            found = np.subtract(*(of(labels, side).values.mean() for side in sides))
            assert found == pytest.approx(simulate.truth_of_cells(metric, shares), abs=0.02)
    task = simulate.TASKS["near all-accept against good"]
    labels, sides = simulate.answers_of_seeds(rng, task, (20, 20, 2000), 0.3)
    for metric in simulate.OF_CLASSES:
        means = [simulate.counted(metric, labels, side).mean() for side in sides]
        truth = simulate.truth_of_seeds(metric, task, 0.3)
        assert np.subtract(*means) == pytest.approx(truth, abs=0.02)
    targets, sides = numbers.numbers_of_seeds(rng, (4, 20, 2000), (0.9, 0.5))
    for metric in ("Pearson", "Spearman"):
        means = [numbers.correlated(metric, side, targets).mean() for side in sides]
        truths = [numbers.expected(metric, r) for r in (0.9, 0.5)]
        assert means == pytest.approx(truths, abs=0.02)


def test_two_files_cover(simulate):
    assert_covered(simulate.two_files(100, (*UPPER, "the same, other thresholds"), (277,)))


def test_perfect_sides_have_an_interval_where_students_t_has_none(simulate):
    labels = np.arange(277) % 2
    perfect = simulate.matthews(labels, labels)
    assert np.ptp(over_examples(perfect.values - perfect.values).interval()) == 0
    assert simulate.covers([perfect, perfect], 0.02)
    assert not simulate.covers([perfect, perfect], 0.04)


def test_seeds_cover(simulate):
    assert_covered(simulate.seeds(100, UPPER, (277,)))


def test_correlations_of_seeds_cover(numbers):
    assert_covered(numbers.seeds(30, (277,)))


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_two_files_cover_in_every_setting(simulate):
    assert_covered(simulate.two_files())


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_seeds_cover_in_every_setting(simulate):
    """But where one side is perfect and seeds vary much: those of the other are skewed."""
    for figure in simulate.seeds():
        skewed = "one perfect; seeds vary much" in figure.setting
        assert_covered([figure], 0.92 if skewed else COVERS)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_correlations_cover_in_every_setting(numbers):
    assert_covered(numbers.two_files())
    assert_covered(numbers.seeds())
