"""ECE against scikit-learn's curve, against loops, and by simulation where it is only chance."""

import math

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from acn_eval.statistics.calibration import calibration


def by_loops(confidence, correct, bins=10):
    total = 0.0
    for b in range(bins):
        low, high = b / bins, (b + 1) / bins
        own = [
            (c, y)
            for c, y in zip(confidence, correct, strict=True)
            if low < c <= high or (b == 0 and c == 0)
        ]
        if own:
            sure = math.fsum(c for c, _ in own) / len(own)
            right = math.fsum(y for _, y in own) / len(own)
            total += len(own) / len(confidence) * abs(sure - right)
    return total


@pytest.mark.parametrize("seed", range(5))
def test_bins_and_ece_are_those_of_others(seed):
    rng = np.random.default_rng(seed)
    confidence = np.append(rng.beta(4, 2, 500), [0.0, 1.0, 1.0])
    correct = (rng.random(503) < confidence**2).astype(float)
    found = calibration(confidence, correct)
    accuracy, sure = calibration_curve(correct, confidence, n_bins=10)
    np.testing.assert_allclose([b.accuracy for b in found.bins], accuracy, rtol=1e-12)
    np.testing.assert_allclose([b.confidence for b in found.bins], sure, rtol=1e-12)
    assert found.ece == pytest.approx(by_loops(confidence, correct), rel=1e-12)
    assert sum(b.n for b in found.bins) == found.n == 503
    assert (found.confidence, found.accuracy) == pytest.approx((confidence.mean(), correct.mean()))


def test_a_confidence_of_one_is_in_the_last_bin_and_not_beyond():
    found = calibration(np.ones(4, np.float32), np.array([1, 1, 1, 0]))
    assert [(b.low, b.high, b.n) for b in found.bins] == [(0.9, 1.0, 4)]
    assert found.ece == pytest.approx(0.25)


def test_a_confidence_on_an_edge_is_in_the_lower_bin():
    found = calibration(np.array([0.5, 0.5000001]), np.array([1, 1]))
    assert [(round(b.low, 1), b.n) for b in found.bins] == [(0.4, 1), (0.5, 1)]


def test_chance_is_the_mean_ece_of_a_network_whose_word_is_true():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.05, 0.95, 600)
    eces = [calibration(confidence, rng.random(600) < confidence).ece for _ in range(2000)]
    expected = calibration(confidence, np.ones(600)).chance
    assert np.mean(eces) == pytest.approx(expected, rel=0.03)
