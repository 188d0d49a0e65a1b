r"""Metrics: functions of predictions and labels that also say what each example contributes.

A metric returns one value per example. Their mean is the metric, and their scatter is its error:
where the metric is a mean (accuracy, negative log-likelihood, Brier score) these are the values
themselves; elsewhere they are linearized,

.. math:: v_i = M + \psi_i

with the influence :math:`\psi_i` of the example on the metric M (the delta method), whose mean is
0. So pairing, crossed seeds and examples, Holm, minimum detectable effects and the gate work on
any metric alike. Metrics of a table of counts are in `counts`, those of numbers in `correlation`.

References:
    Hampel, "The influence curve and its role in robust estimation", JASA 69, 1974. Efron and
    Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 21.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from acn_eval.cells import CORRECT, UNKNOWN, Cell
from acn_eval.errors import ConfigError, suggestion
from acn_eval.statistics.calibration import bins_of
from acn_eval.statistics.correlation import pearson, spearman
from acn_eval.statistics.counts import f1, matthews
from acn_eval.statistics.influence import Measured, Undefined, Values, linearized
from acn_eval.statistics.quantity import SHARE, Quantity
from acn_eval.statistics.score import ACCURACY

__all__ = ["METRICS", "Answers", "Metric", "metric_of", "metrics_of_data"]


@dataclass(frozen=True)
class Answers:
    """What a network made of n examples under one condition.

    Attributes:
        cell: what is stored of them, and perhaps of more.
        where: (n,) positions of the examples in the cell.
        known: int64 (n,), the labels that any of the compared results knows.
    """

    cell: Cell
    where: NDArray[np.intp]
    known: NDArray[np.int64]

    @staticmethod
    def of(cell: Cell, ids: NDArray[np.int64], labels: NDArray[np.int64]) -> "Answers":
        """Return the answers on examples (n,) that the cell has, in this order."""
        order = np.argsort(cell.ids)
        return Answers(cell, order[np.searchsorted(cell.ids[order], ids)], labels)

    @property
    def right(self) -> Values:
        """1 where the predicted class is the label, else 0 (n,).

        Raises:
            Undefined: the answers are no classes.
        """
        if self.cell.measure != CORRECT:
            raise Undefined("the answers are numbers, not classes")
        return np.asarray(self.cell.values[self.where], dtype=np.float64)

    @property
    def labels(self) -> NDArray[np.int64]:
        """True classes (n,).

        Raises:
            Undefined: some are not known.
        """
        if (missing := int(np.sum(self.known == UNKNOWN))) > 0:
            raise Undefined(f"the labels of {missing:,} examples are not stored")
        return self.known

    @property
    def predicted(self) -> NDArray[np.int32]:
        """Predicted classes (n,).

        Raises:
            Undefined: they are not stored.
        """
        if self.cell.predicted is None:
            raise Undefined("predicted classes are not stored")
        return self.cell.predicted[self.where]

    @property
    def pair(self) -> tuple[Values, Values]:
        """Predicted numbers and their targets, (n,) each.

        Raises:
            Undefined: they are not stored, or some are not finite.
        """
        targets = self.numbers("targets", "numbers and their targets")
        return self.numbers("values", "predicted numbers"), targets

    def numbers(self, name: str, what: str) -> Values:
        """Return numbers (n,) that are stored by example.

        Raises:
            Undefined: they are not, or some are not finite.
        """
        found = getattr(self.cell, name)
        if found is None:
            raise Undefined(f"{what} are not stored")
        if (lost := int(np.sum(~np.isfinite(found[self.where])))) > 0:
            raise Undefined(f"{what} of {lost:,} examples are not finite")
        return np.asarray(found[self.where], dtype=np.float64)


@dataclass(frozen=True)
class Metric:
    """A number that says how well a network answers.

    Attributes:
        of: what it measures of answers.
        quantity: its unit, range and direction.
        help: one line for the list of metrics.
        note: stands beside every row: how limits are obtained where it is not accuracy.
        losses: whether it reads the losses of the labels.
        score: whether limits are those of the score method, in the support of its values; else
            they are Student's t.
        positive: number of the class that it is about, if it is about one.
    """

    of: Callable[[Answers], Measured]
    quantity: Quantity
    help: str
    note: str = "t limits"
    losses: bool = False
    score: bool = False
    positive: int | None = None


def metric_of(name: str) -> Metric:
    """Return a metric by its name.

    Raises:
        ConfigError: there is none of this name.
    """
    if name not in METRICS:
        msg = f"metric: must be one of {', '.join(METRICS)}; got {name}"
        raise ConfigError(f"{msg}.{suggestion(name, METRICS)}")
    return METRICS[name]


def metrics_of_data(details: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the metrics of a result's data, the primary one first.

    >>> metrics_of_data({"metrics": ["f1", "accuracy"]}), metrics_of_data({})
    (('f1', 'accuracy'), ('accuracy',))
    """
    stated = details.get("metrics")
    if not isinstance(stated, list | tuple) or not stated:
        return ("accuracy",)
    return tuple(map(str, stated))


def _balanced(answers: Answers) -> Measured:
    r"""Return the mean over classes of the share that is right, linearized.

    With K classes that have examples, :math:`\psi_i = n / (K n_c) (y_i - r_c)` in a class c of
    n_c examples whose share r_c is right, times :math:`\sqrt{n_c / (n_c - 1)}`, because r_c is
    estimated. Classes without examples are left out, as in scikit-learn.
    """
    classes, of_class, count = np.unique(answers.labels, return_inverse=True, return_counts=True)
    if (count == 1).any():
        raise Undefined(f"class number {classes[count == 1][0]} has one example alone")
    right = answers.right
    recall = np.bincount(of_class, weights=right) / count
    spread = len(right) / len(count) / np.sqrt(count * (count - 1.0))
    found = linearized(float(recall.mean()), spread[of_class] * (right - recall[of_class]))
    low, high = np.min(-spread * recall), np.max(spread * (1 - recall))
    return replace(found, support=(float(recall.mean() + low), float(recall.mean() + high)))


def _calibration(answers: Answers) -> Measured:
    r"""Return the distance of confidence and accuracy over bins of equal width, linearized.

    :math:`ECE = \sum_b |S_b| / n` with the gaps :math:`S_b = \sum_{i \in b} (c_i - y_i)`, so
    that an example of a bin whose confidence is too high contributes :math:`c_i - y_i`, and of
    the others the negative. Where a bin is nearly calibrated, :math:`|S_b|` is too large on
    average: by the excess of a folded normal variable. The scatter grows by twice this bias,
    because limits of a difference would cover .7 to .9 instead of .95 otherwise.
    """
    confidence = answers.numbers("confidence", "confidences")
    gap, owner = confidence - answers.right, bins_of(confidence)
    sums, squares, count = (np.bincount(owner, weights=w) for w in (gap, gap**2, gap**0))
    left = np.maximum(squares - sums**2 / np.maximum(count, 1), 0)
    values = np.sign(sums)[owner] * gap
    bias = 2 * _folded(np.abs(sums), np.sqrt(left * count / np.maximum(count - 1, 1))) / len(gap)
    error = float(values.var(ddof=1)) / len(gap)
    growth = math.sqrt(1 + bias**2 / error) if error else 1.0
    return linearized(float(values.mean()), growth * (values - values.mean()))


def _folded(means: Values, errors: Values) -> float:
    """Return the sum of ``E|X| - mean`` of normal variables with these means (0 or more)."""
    used = errors > 0
    z = means[used] / errors[used]
    excess = math.sqrt(2 / math.pi) * np.exp(-(z**2) / 2) - 2 * z * ndtr(-z)
    return float(errors[used] @ excess)


_CORRELATION = Quantity("Pearson correlation", "", "", 1, 3, scored=False, low=-1, high=1)

METRICS: dict[str, Metric] = {
    "accuracy": Metric(
        lambda a: Measured(a.right, ACCURACY),
        SHARE,
        "share of the examples that are right",
        note="",
        score=True,
    ),
    "balanced_accuracy": Metric(
        _balanced,
        replace(SHARE, name="balanced accuracy", scored=False),
        "mean over the classes of the share that is right",
    ),
    "f1": Metric(
        lambda a: f1(a.labels, a.predicted),
        replace(SHARE, name="F1 of class 1", scored=False),
        "F1 score of class 1, the positive one of two classes",
        note="score limits",
        score=True,
        positive=1,
    ),
    "matthews": Metric(
        lambda a: matthews(a.labels, a.predicted),
        replace(_CORRELATION, name="Matthews correlation"),
        "Matthews' correlation of labels and predicted classes",
        note="score limits",
        score=True,
    ),
    "nll": Metric(
        lambda a: Measured(a.numbers("nll", "probabilities of the labels")),
        Quantity("negative log-likelihood", "nats", "nats", 1, 3, False, False, 0, None),
        "negative log-likelihood of the label, in nats (log loss)",
        losses=True,
    ),
    "brier": Metric(
        lambda a: Measured(a.numbers("brier", "probabilities of all classes")),
        Quantity("Brier score", "", "", 1, 3, False, False, 0, 2),
        "squared distance of the probabilities from the label, summed over the classes",
        losses=True,
    ),
    "ece": Metric(
        _calibration,
        replace(SHARE, name="calibration error", higher_is_better=False, scored=False),
        "expected calibration error over 10 bins of equal width",
        note="t limits, widened for bias",
    ),
    "pearson": Metric(
        lambda a: pearson(*a.pair),
        _CORRELATION,
        "correlation of predicted numbers with their targets",
    ),
    "spearman": Metric(
        lambda a: spearman(*a.pair),
        replace(_CORRELATION, name="Spearman correlation"),
        "rank correlation of predicted numbers with their targets",
    ),
}
"""Every metric by its name: the only list."""
