"""Mean accuracy per class against scikit-learn, and its interval by simulation of the extreme."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import balanced_accuracy_score

from acn_eval.studies.transfer.per_class import mean_per_class


@pytest.mark.parametrize("seed", range(5))
def test_it_is_scikit_learn_s_balanced_accuracy(seed):
    rng = np.random.default_rng(seed)
    labels = np.minimum(rng.integers(0, 9, 200), 4)  # the last class is common
    predicted = np.where(rng.random(200) < 0.6, labels, rng.integers(0, 5, 200))
    sample = mean_per_class((predicted == labels).astype(np.float32), labels, 5)
    assert sample.value == pytest.approx(balanced_accuracy_score(labels, predicted))
    low, high = sample.interval()
    assert low < sample.value < high


def test_classes_without_an_image_are_left_out():
    labels = np.array([0, 0, 3])
    assert mean_per_class(np.array([1, 1, 0], np.float32), labels, 5).value == pytest.approx(0.5)


def test_equal_classes_give_the_plain_accuracy():
    labels = np.arange(100) % 5
    correct = (np.arange(100) % 3 == 0).astype(np.float32)
    assert mean_per_class(correct, labels, 5).value == pytest.approx(correct.mean())


def test_the_interval_covers():
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(4), [80, 40, 20, 20])
    share = np.array([0.9, 0.7, 0.5, 0.8])
    inside = 0
    for _ in range(300):
        correct = (rng.random(160) < share[labels]).astype(np.float32)
        low, high = mean_per_class(correct, labels, 4).interval()
        inside += low <= share.mean() <= high
    assert inside / 300 > 0.92


def test_the_support_ends_where_an_image_of_the_rarest_class_counts():
    """Nothing right: the upper limit is Wilson's, times the largest weight, 100 / (2 x 20)."""
    labels = np.repeat([0, 1], [80, 20])
    sample = mean_per_class(np.zeros(100, np.float32), labels, 5)
    assert sample.support == (0.0, 2.5)
    squared = norm.ppf(0.975) ** 2
    assert sample.interval() == pytest.approx((0.0, 2.5 * squared / (100 + squared)))
