"""Metrics against scikit-learn and brute force, and influences against jackknife and bootstrap."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import (
    balanced_accuracy_score,
    brier_score_loss,
    cohen_kappa_score,
    f1_score,
    log_loss,
    matthews_corrcoef,
)

from acn_eval.errors import ConfigError
from acn_eval.results import UNKNOWN, Cell
from acn_eval.statistics.architectures import over_examples
from acn_eval.statistics.design import CHECKPOINTS, Design, Pair
from acn_eval.statistics.influence import Undefined, linearized
from acn_eval.statistics.metrics import METRICS, Answers, Metric, metric_of
from acn_eval.statistics.quantity import Quantity


def network(labels, classes, seed, sharpness=2.0, ids=None):
    """Logits that know the labels a little, and the cell that a pass makes of them."""
    rng, n = np.random.default_rng(seed), len(labels)
    logits = rng.normal(size=(n, classes)) + 1.2 * np.eye(classes)[labels]
    shares = softmax(sharpness * logits, axis=1)
    truth = np.eye(classes)[labels]
    cell = Cell.answered(
        {"corruption": "clean", "level": 0.0},
        np.arange(n) if ids is None else ids,
        labels,
        shares.argmax(1).astype(np.int32),
        confidence=shares.max(1).astype(np.float32),
        nll=-np.sum(truth * log_softmax(sharpness * logits, axis=1), axis=1).astype(np.float32),
        brier=np.sum((shares - truth) ** 2, axis=1).astype(np.float32),
    )
    return cell, shares


def values(name, cell):
    metric = METRICS[name] if isinstance(name, str) else name
    return metric.of(Answers.of(cell, cell.ids, cell.labels)).values


def brute_calibration(cell):
    """The definition, bin by bin and example by example."""
    total = 0.0
    for low, high in zip(np.arange(10) / 10, np.arange(1, 11) / 10, strict=True):
        inside = [
            (float(c), float(v))
            for c, v in zip(cell.confidence, cell.values, strict=True)
            if low < c <= high or (low == 0 == c)
        ]
        if inside:
            sure, right = np.mean(inside, axis=0)
            total += len(inside) * abs(sure - right)
    return total / len(cell.values)


def labels_of(kind, n, classes, seed=0):
    rng = np.random.default_rng(seed)
    if kind == "unbalanced":
        return rng.choice(classes, n, p=np.array([0.9] + [0.1 / (classes - 1)] * (classes - 1)))
    if kind == "one class absent":
        return rng.integers(0, classes - 1, n)
    return rng.permutation(rng.integers(0, classes, n))


def defined_matthews(labels, predicted):
    """Scikit-learn warns of one class alone, of which it says 0."""
    alone = len({*labels.tolist(), *predicted.tolist()}) == 1
    return 0.0 if alone else matthews_corrcoef(labels, predicted)


REFERENCES = {
    "accuracy": lambda c, shares, k: np.mean(c.predicted == c.labels),
    "balanced_accuracy": lambda c, shares, k: np.mean(
        [np.mean(c.predicted[c.labels == own] == own) for own in np.unique(c.labels)]
    ),
    "f1": lambda c, shares, k: f1_score(c.labels, c.predicted, labels=[1], average="macro"),
    "matthews": lambda c, shares, k: defined_matthews(c.labels, c.predicted),
    "nll": lambda c, shares, k: log_loss(c.labels, shares, labels=np.arange(k)),
    "brier": lambda c, shares, k: brier_score_loss(
        c.labels, shares, labels=np.arange(k), scale_by_half=False
    ),
    "ece": lambda c, shares, k: brute_calibration(c),
}
OF_NUMBERS = {"pearson": pearsonr, "spearman": spearmanr}
OF_CLASSES = [name for name in METRICS if name not in OF_NUMBERS]


@pytest.mark.parametrize("kind", ["permuted", "unbalanced", "one class absent"])
@pytest.mark.parametrize(("n", "classes"), [(2, 3), (57, 3), (400, 10)])
@pytest.mark.parametrize("name", REFERENCES)
def test_the_mean_of_the_values_is_the_metric(name, n, classes, kind):
    assert REFERENCES.keys() | OF_NUMBERS.keys() == METRICS.keys()
    cell, shares = network(labels_of(kind, n, classes), classes, seed=n)
    if name == "balanced_accuracy" and 1 in np.bincount(cell.labels):
        with pytest.raises(Undefined, match="has one example alone"):
            values(name, cell)
        return
    if name == "f1" and max(cell.labels.max(), cell.predicted.max()) > 1:
        with pytest.raises(Undefined, match="more than two classes"):
            values(name, cell)
        return
    found = values(name, cell)
    assert found.shape == (n,)
    assert found.mean() == pytest.approx(REFERENCES[name](cell, shares, classes), abs=2e-6)


def test_balanced_accuracy_is_that_of_scikit_learn():
    cell, _ = network(labels_of("unbalanced", 300, 5), 5, seed=1)
    expected = balanced_accuracy_score(cell.labels, cell.predicted)
    assert values("balanced_accuracy", cell).mean() == pytest.approx(expected)


def test_balanced_accuracy_of_two_perfect_sides_leaves_an_interval():
    labels = np.repeat([0, 1], [270, 90])
    cell = Cell.answered({}, np.arange(360), labels, labels.astype(np.int32))
    measured = METRICS["balanced_accuracy"].of(Answers.of(cell, cell.ids, labels))
    side = measured.values[None]
    design = Design(CHECKPOINTS, scored=False)
    low, high = design.difference(Pair(side, side, measured.support)).interval()
    step = 360 / 2 / 90  # of an example of the smaller class
    assert high == -low == pytest.approx(step * 3.8415 / 363.8415, rel=0.01)
    assert design.accuracy(side, measured.support).interval() == pytest.approx(
        (1 - step * 3.8415 / 363.8415, 1), abs=2e-3
    )


def at(cell, where):
    arrays = ("ids", "values", "labels", "predicted", "confidence", "nll", "brier")
    return replace(cell, **{name: getattr(cell, name)[where] for name in arrays})


@pytest.mark.parametrize("name", [name for name in OF_CLASSES if name != "f1"])
def test_the_order_of_examples_and_the_names_of_classes_do_not_matter(name):
    cell, _ = network(labels_of("unbalanced", 200, 4), 4, seed=3)
    shuffle = np.random.default_rng(0).permutation(200)
    ordered, mixed = values(name, cell), values(name, at(cell, shuffle))
    assert mixed == pytest.approx(ordered[shuffle])
    turned = np.array([2, 0, 3, 1])
    renamed = replace(
        cell, labels=turned[cell.labels], predicted=turned[cell.predicted].astype(np.int32)
    )
    assert values(name, renamed) == pytest.approx(ordered)


def test_examples_are_found_by_id():
    cell, _ = network(np.arange(6) % 3, 3, seed=0, ids=np.array([9, 1, 7, 3, 5, 11]))
    chosen = np.array([3, 9, 11])
    answers = Answers.of(cell, chosen, cell.labels[[3, 0, 5]])
    assert METRICS["nll"].of(answers).values == pytest.approx(cell.nll[[3, 0, 5]])
    assert answers.predicted.tolist() == cell.predicted[[3, 0, 5]].tolist()


def kappa(answers: Answers):
    """A toy metric of the tests: Cohen's kappa of two classes, by the delta method."""
    y, p = answers.labels, answers.predicted
    agree, chance = y == p, np.mean(y == 1) * p.mean() + np.mean(y == 0) * (1 - p.mean())
    beside = np.where(y == 1, p.mean(), 1 - p.mean()) + np.where(p == 1, y.mean(), 1 - y.mean())
    if chance == 1:
        raise Undefined("one class alone is there and predicted")
    value = (agree.mean() - chance) / (1 - chance)
    moved = agree - agree.mean() - (1 - value) * (beside - 2 * chance)
    return linearized(float(value), moved / (1 - chance))


KAPPA = Metric(
    kappa,
    Quantity("Cohen's kappa", "", "", 1, 3, scored=False, low=-1, high=1),
    "agreement of labels and predicted classes beyond chance",
)
SMOOTH = {"kappa": KAPPA} | {
    name: METRICS[name] for name in ("balanced_accuracy", "f1", "matthews")
}


@pytest.mark.parametrize("name", SMOOTH)
def test_influences_are_those_of_the_jackknife(name):
    metric, n = SMOOTH[name], 300
    cell, _ = network(labels_of("unbalanced", n, 2, seed=2), 2, seed=5)
    found = values(metric, cell)
    whole = found.mean()
    if name == "kappa":
        assert whole == pytest.approx(cohen_kappa_score(cell.labels, cell.predicted))
    left_out = [values(metric, at(cell, np.arange(n) != i)).mean() for i in range(n)]
    pseudo = n * whole - (n - 1) * np.array(left_out)
    assert found == pytest.approx(pseudo, abs=0.15, rel=0.06)
    assert np.var(found, ddof=1) == pytest.approx(np.var(pseudo, ddof=1), rel=0.1)


@pytest.mark.parametrize("name", [*OF_CLASSES, "kappa"])
def test_the_error_of_a_difference_is_that_of_the_paired_bootstrap(name):
    metric, n, draws = {**METRICS, **SMOOTH}[name], 500, 400
    labels = labels_of("permuted", n, 2, seed=4)
    one, other = (network(labels, 2, seed)[0] for seed in (11, 12))
    gap = values(metric, one) - values(metric, other)
    rng = np.random.default_rng(0)
    repeats = []
    for _ in range(draws):
        where = rng.integers(0, n, n)
        sides = [at(cell, where) for cell in (one, other)]
        sides = [replace(side, ids=np.arange(n)) for side in sides]
        repeats.append(values(metric, sides[0]).mean() - values(metric, sides[1]).mean())
    error = np.std(gap, ddof=1) / np.sqrt(n)
    if name == "ece":  # the bootstrap knows nothing of the bias
        assert np.std(repeats) < error < 2.5 * np.std(repeats)
    else:
        assert error == pytest.approx(np.std(repeats), rel=0.15)


def numbers(seed, n=200, noise=1.0):
    """A cell of predicted numbers that know the targets, which are always the same, a little."""
    rng, fixed = np.random.default_rng(seed), np.random.default_rng(n)
    targets = np.round(fixed.uniform(0, 5, n) * 5) / 5
    predicted = targets + noise * rng.normal(size=n)
    return Cell.numbered(
        {"corruption": "clean", "level": 0.0},
        fixed.permutation(n) + 7,
        targets.astype(np.float32),
        predicted.astype(np.float32),
    )


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_correlations_are_of_numbers_that_are_found_by_id(name):
    cell = numbers(3)
    whole = OF_NUMBERS[name](cell.values, cell.targets).statistic
    assert values(name, cell).mean() == pytest.approx(whole, abs=1e-6)
    some = np.sort(cell.ids)[20:90]
    at = np.isin(cell.ids, some)
    found = METRICS[name].of(Answers.of(cell, some, np.full(70, UNKNOWN))).values
    expected = OF_NUMBERS[name](cell.values[at], cell.targets[at]).statistic
    assert found.mean() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", METRICS)
def test_metrics_of_classes_and_of_numbers_are_told_apart(name):
    cell = network(np.arange(9) % 3, 3, seed=0)[0] if name in OF_NUMBERS else numbers(3)
    cell = replace(cell, labels=np.zeros(len(cell.ids), np.int64))
    with pytest.raises(Undefined, match=r"not stored|numbers, not classes"):
        values(name, cell)


@pytest.mark.parametrize(
    ("name", "lost", "why"),
    [
        ("balanced_accuracy", {"labels": np.full(9, UNKNOWN)}, "labels of 9 examples are not"),
        ("nll", {"nll": None}, "probabilities of the labels are not stored"),
        ("nll", {"nll": np.full(9, np.inf, np.float32)}, "of 9 examples are not finite"),
        ("brier", {"brier": np.full(9, np.nan, np.float32)}, "of 9 examples are not finite"),
        ("ece", {"confidence": None}, "confidences are not stored"),
    ],
)
def test_what_is_not_known_is_undefined_and_says_why(name, lost, why):
    cell, _ = network(np.arange(9) % 3, 3, seed=0)
    with pytest.raises(Undefined, match=why):
        values(name, replace(cell, **lost))
    assert np.isfinite(values("accuracy", replace(cell, **lost))).all()


def test_a_name_that_is_unknown_is_one_line_with_the_nearest():
    with pytest.raises(ConfigError, match=r"^metric: must be one of accuracy, .*mean brier\?$"):
        metric_of("brierr")
    for name, metric in METRICS.items():
        assert metric_of(name) is metric
        assert metric.help
        assert metric.quantity.scored == (name == "accuracy")
        assert metric.score == (name in ("accuracy", "f1", "matthews"))
        assert (metric.positive is None) == ("of class 1" not in metric.quantity.name)
    assert {n for n, m in METRICS.items() if not m.quantity.higher_is_better} == {
        "nll",
        "brier",
        "ece",
    }


SIMPLE = [name for name in OF_CLASSES if name not in ("f1", "matthews")]
SHARPNESS = {"both too sure": (3.0, 3.0), "one too sure": (2.4, 4.0), "one too unsure": (1.2, 3.0)}


@pytest.mark.slow
@pytest.mark.parametrize("case", SHARPNESS)
@pytest.mark.parametrize("n", [100, 360, 2000])
def test_limits_of_a_difference_cover_it(case, n):
    """95 % limits in 300 samples of 10 classes: .91 or more, and only those of ECE above .98."""
    rng, sides = np.random.default_rng(n), SHARPNESS[case]

    def sample(size):
        labels, seed = rng.permutation(size) % 10, int(rng.integers(2**31))
        return [network(labels, 10, seed + k, sharp)[0] for k, sharp in enumerate(sides)]

    large = [sample(100_000) for _ in range(2)]
    truth = {
        name: np.mean([values(name, a).mean() - values(name, b).mean() for a, b in large])
        for name in SIMPLE
    }
    covered = dict.fromkeys(SIMPLE, 0.0)
    for _ in range(300):
        one, other = sample(n)
        for name in SIMPLE:
            low, high = over_examples(values(name, one) - values(name, other)).interval()
            covered[name] += (low <= truth[name] <= high) / 300
    for name, share in covered.items():
        assert 0.91 <= share <= (1 if name == "ece" else 0.985), (name, share)
