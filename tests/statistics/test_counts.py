"""F1 and Matthews' correlation against scikit-learn, which also weighs examples."""

import warnings

import numpy as np
import pytest
from sklearn.metrics import f1_score, matthews_corrcoef

from acn_eval.statistics.counts import f1, matthews
from acn_eval.statistics.design import CHECKPOINTS, Design, Pair
from acn_eval.statistics.influence import Undefined
from acn_eval.statistics.score import BoundedSample

REFERENCES = {
    f1: lambda y, p, w=None: f1_score(y, p, sample_weight=w, zero_division=0.0),
    matthews: lambda y, p, w=None: matthews_corrcoef(y, p, sample_weight=w),
}
KINDS = {  # classes, shares of the labels, how often a prediction is the label
    "balanced": (2, (0.5, 0.5), 0.8),
    "unbalanced": (2, (0.95, 0.05), 0.9),
    "worse than chance": (2, (0.3, 0.7), 0.2),
    "three classes": (3, (0.7, 0.25, 0.05), 0.6),
    "ten classes": (10, (0.1,) * 10, 0.4),
}
CASES = [(m, kind) for m in REFERENCES for kind in KINDS if m is matthews or KINDS[kind][0] == 2]


def draw(kind, n=120, seed=5):
    classes, shares, right = KINDS[kind]
    rng = np.random.default_rng(seed)
    labels = rng.choice(classes, n, p=shares)
    return labels, np.where(rng.random(n) < right, labels, rng.integers(0, classes, n))


def slopes(metric, labels, predicted):
    """N times the derivative by the weight of an example in every cell, by central differences.

    Two imagined examples are spread over all cells.
    """
    k = max(labels.max(), predicted.max()) + 1
    cells = np.array([(i, j) for i in range(k) for j in range(k)])
    y, p = np.concatenate([labels, cells[:, 0]]), np.concatenate([predicted, cells[:, 1]])
    weights = np.concatenate([np.ones(len(labels)), np.full(k * k, 2 / k**2)])
    found = np.empty(k * k)
    for cell in range(k * k):
        values = []
        for step in (1e-4, -1e-4):
            moved = weights.copy()
            moved[len(labels) + cell] += step
            values.append(REFERENCES[metric](y, p, moved))
        found[cell] = (values[0] - values[1]) / 2e-4 * weights.sum()
    return found.reshape(k, k)


@pytest.mark.parametrize(("metric", "kind"), CASES)
def test_the_mean_is_the_value_of_scikit_learn(metric, kind):
    for seed in range(5):
        labels, predicted = draw(kind, 57, seed)
        measured = metric(labels, predicted)
        expected = REFERENCES[metric](labels, predicted)
        assert measured.values.mean() == pytest.approx(expected, abs=1e-11)
        assert not measured.flags


@pytest.mark.parametrize(("metric", "kind"), CASES)
def test_influence_and_support_are_those_of_weights_that_move(metric, kind):
    labels, predicted = draw(kind)
    expected, measured = slopes(metric, labels, predicted), metric(labels, predicted)
    own = expected[labels, predicted]
    assert measured.values - measured.values.mean() == pytest.approx(own - own.mean(), abs=1e-5)
    ends = np.array([expected.min(), expected.max()]) - own.mean() + measured.values.mean()
    assert measured.support == pytest.approx(ends, abs=1e-5)


def test_the_positive_class_is_the_one_that_is_stated():
    labels, predicted = draw("unbalanced")
    found = [f1(labels, predicted, positive).values.mean() for positive in (0, 1)]
    assert found == pytest.approx(f1_score(labels, predicted, average=None))
    assert f1(labels, predicted).values.mean() == found[1]
    with pytest.raises(Undefined, match="more than two classes"):
        f1(*draw("three classes"))


def test_a_class_that_the_data_lack_is_no_positive_one():
    labels, predicted = draw("balanced")
    lost = np.where(np.arange(120) % 7 == 0, -1, predicted)
    assert f1(labels, lost).values.mean() == pytest.approx(
        f1_score(labels, lost, labels=[1], average="macro")
    )
    assert matthews(labels, lost).values.mean() == pytest.approx(matthews_corrcoef(labels, lost))


UNDEFINED = {
    "one class predicted": (matthews, [0, 1, 1, 0, 1], [1] * 5, "one class alone is predicted"),
    "one class there": (matthews, [1] * 5, [0, 1, 1, 0, 1], "one class alone is there"),
    "no positive": (f1, [0] * 5, [0] * 5, "class 1 is neither there nor predicted"),
}


@pytest.mark.parametrize("case", UNDEFINED)
def test_what_has_no_definition_is_counted_as_scikit_learn_counts_it_and_flagged(case):
    metric, labels, predicted, why = UNDEFINED[case]
    labels, predicted = (np.array(side * 20) for side in (labels, predicted))
    measured = metric(labels, predicted)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert REFERENCES[metric](labels, predicted) == 0
    assert measured.values.mean() == pytest.approx(0, abs=1e-11)
    assert measured.flags == (f"{why}: counted as 0",)
    low, high = BoundedSample.of(measured.values, measured.support).interval()
    assert high - low > 0.5  # of 100 examples: hardly anything is known


def test_a_score_of_positives_alone_is_one():
    ones = np.ones(9, int)
    assert f1(ones, ones).values.mean() == pytest.approx(f1_score(ones, ones), abs=1e-11)
    assert not f1(ones, ones).flags


def test_a_score_without_a_hit_is_defined():
    labels, predicted = np.array([0, 0, 1, 1]), np.array([1, 0, 0, 0])
    measured = f1(labels, predicted)
    assert measured.values.mean() == pytest.approx(f1_score(labels, predicted), abs=1e-12)
    assert not measured.flags


def difference(one, other):
    ends = [*one.support, *other.support]
    pair = Pair(one.values[None], other.values[None], (min(ends), max(ends)))
    return Design(CHECKPOINTS).difference(pair)


@pytest.mark.parametrize("metric", REFERENCES)
@pytest.mark.parametrize("n", [100, 1000])
def test_two_perfect_sides_differ_by_as_much_as_n_examples_leave_open(metric, n):
    """Limits as Tango's of accuracy, times how far one example moves the metric."""
    labels = np.arange(n) % 2
    measured = metric(labels, labels)
    low, high = difference(measured, measured).interval()
    accuracy = BoundedSample.of(np.zeros(n)).interval()
    step = 2 if metric is matthews else 1  # each correlation is 2 accuracy - 1
    assert (low, high) == pytest.approx([step * limit for limit in accuracy], rel=0.05)
    side = BoundedSample.of(measured.values, measured.support).interval()
    wilson = BoundedSample.of(np.ones(n), (0.0, 1.0)).interval().low
    assert side.low == pytest.approx(1 - step * (1 - wilson), rel=0.05)


def of_counts(metric, counts, side):
    """A metric by its definition on counts (draws, 8) of label, ours, theirs."""
    cell = np.arange(8)
    y, p = cell // 4, cell // (2, 1)[side] % 2
    tn, fp, fn, tp = (counts[:, (y == i) & (p == j)].sum(1) for i in (0, 1) for j in (0, 1))
    if metric is f1:
        return 2 * tp / (2 * tp + fp + fn)
    return (tp * tn - fp * fn) / np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))


@pytest.mark.parametrize("metric", REFERENCES)
def test_limits_of_a_difference_are_those_of_the_paired_bootstrap(metric):
    """Drawn from the table of label and both answers; that of examples would be the same."""
    n, (labels, ours) = 1000, draw("unbalanced", 1000, 7)
    theirs = np.where(np.random.default_rng(8).random(n) < 0.05, 1 - ours, ours)
    limits = difference(metric(labels, ours), metric(labels, theirs)).interval()
    shares = np.bincount(4 * labels + 2 * ours + theirs, minlength=8) / n
    counts = np.random.default_rng(0).multinomial(n, shares, 20_000).astype(float)
    draws = of_counts(metric, counts, 0) - of_counts(metric, counts, 1)
    assert of_counts(metric, n * shares[None], 0) == pytest.approx(
        REFERENCES[metric](labels, ours)
    )
    width = limits.high - limits.low
    assert limits == pytest.approx(np.quantile(draws, [0.025, 0.975]), abs=0.13 * width)
