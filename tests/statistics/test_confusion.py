"""Confusions against scikit-learn's matrix."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from acn_eval.results import UNKNOWN
from acn_eval.statistics.confusion import changes
from tests.statistics.results import STRONG, cell

N, CLASSES = 300, 4


def outcomes(labels, seed, condition=STRONG):
    rng = np.random.default_rng(seed)
    predicted = np.where(rng.random(N) < 0.6, labels, rng.integers(0, CLASSES, N))
    ids = rng.permutation(N)
    own = predicted[ids].astype(np.int32)
    return cell(condition, own == labels[ids], ids, predicted=own, labels=labels[ids])


@pytest.fixture
def labels():
    return np.random.default_rng(1).integers(0, CLASSES, N)


def matrix(cells, labels):
    return sum(confusion_matrix(labels[c.ids], c.predicted, labels=range(CLASSES)) for c in cells)


def test_changes_are_the_differences_of_the_matrices(labels):
    ours = [[outcomes(labels, 2), outcomes(labels, 3)], [outcomes(labels, 4), outcomes(labels, 5)]]
    theirs = [[outcomes(labels, 6), outcomes(labels, 7)]]
    found = changes(ours, theirs)
    left = matrix([c for own in ours for c in own], labels) / 2
    right = matrix(theirs[0], labels)
    assert len(found) == CLASSES * (CLASSES - 1)
    for change in found:
        assert change.true != change.predicted
        assert change.candidate == left[change.true, change.predicted]
        assert change.baseline == right[change.true, change.predicted]
    sizes = [abs(c.difference) for c in found]
    assert sizes == sorted(sizes, reverse=True)


def test_examples_without_a_label_and_cells_without_predictions_are_left_out(labels):
    one = outcomes(labels, 2)
    unknown = replace(one, labels=np.full(N, UNKNOWN))
    for left_out in (unknown, replace(one, labels=None), cell(STRONG, np.ones(N))):
        assert changes([[left_out]], [[cell(STRONG, np.ones(N))]]) == []
