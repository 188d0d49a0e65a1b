r"""Metrics of a table of counts: F1 and Matthews' correlation, linearized.

Both are functions of the shares :math:`p_{ij}` of examples of class i that are predicted to be of
class j. The influence of an example is the derivative of the metric towards the share of its
cell; it is taken at the table to which two imagined examples are added, spread evenly over all
cells, so that it exists where a class is absent. The value is that of the table as it is.

The influence of every cell is known, also of those without examples, and so is the interval in
which the values of examples lie: the score method holds.

References:
    Agresti and Min, "Simple improved confidence intervals for comparing matched proportions",
    Statistics in Medicine 24, 2005, on imagined examples. Hampel, "The influence curve and its
    role in robust estimation", JASA 69, 1974.
"""

import math

import numpy as np
from numpy.typing import NDArray

from acn_eval.statistics.influence import Measured, Undefined, Values, linearized

__all__ = ["f1", "matthews"]

_IMAGINED = 2  # examples
Classes = NDArray[np.integer]


def f1(labels: Classes, predicted: Classes, positive: int = 1) -> Measured:
    r"""Return the F1 score of the positive one of two classes, linearized.

    With the shares t of examples and q of predictions that are positive,

    .. math:: F = 2 p_{11} / (t + q), \quad \psi(y, p) = (2 y p - F (y + p)) / (t + q)

    of an example whose label (prediction) is the positive class where y (p) is 1, else 0. Without
    any positive it is counted as 0, as scikit-learn counts it, and flagged.

    Args:
        labels: (n,) numbers of the true classes.
        predicted: (n,) numbers of the predicted ones.
        positive: number of the positive class.

    Raises:
        Undefined: there are more than two classes.

    Reference: van Rijsbergen, "Information Retrieval", 2nd edition, 1979, chapter 7.
    """
    if max(labels.max(), predicted.max()) > 1:
        raise Undefined("there are more than two classes")
    table, cell = _table((labels == positive).astype(int), (predicted == positive).astype(int), 2)
    shares, y = _smoothed(table), np.arange(2)
    both = shares.sum(axis=1)[1] + shares.sum(axis=0)[1]
    hits, either = np.outer(y, y), np.add.outer(y, y)
    influence = (2 * hits - 2 * shares[1, 1] / both * either) / both
    none = f"class {positive} is neither there nor predicted: counted as 0"
    found = float(np.sum(table * either))
    value = 2 * float(table[1, 1]) / found if found else 0.0
    return _of_cells(value, influence, cell, () if found else (none,))


def matthews(labels: Classes, predicted: Classes) -> Measured:
    r"""Return Matthews' correlation of two or more classes, linearized.

    With shares :math:`t_i` of examples in class i and :math:`q_j` of predictions of class j,

    .. math::
        M = c_{tq} / \sqrt{c_{tt} c_{qq}}, \quad c_{ab} = \sum_k p^{ab}_{kk} - \sum_k a_k b_k

    (:math:`p^{tt}_{kk} = t_k`). Where one class alone is there or predicted it has no definition,
    is counted as 0, as scikit-learn counts it, and flagged.

    Args:
        labels: (n,) numbers of the true classes.
        predicted: (n,) numbers of the predicted ones.

    References:
        Matthews, "Comparison of the predicted and observed secondary structure of T4 phage
        lysozyme", BBA 405, 1975. Gorodkin, "Comparing two K-category assignments by a
        K-category correlation coefficient", Computational Biology and Chemistry 28, 2004.
    """
    classes, number = np.unique(np.concatenate([labels, predicted]), return_inverse=True)
    told = number[len(labels) :]
    table, cell = _table(number[: len(labels)], told, max(len(classes), 2))
    covariance, *variances = _covariances(table / table.sum())
    alone = [v <= 0 for v in variances]
    flags = ["one class alone is there"] * alone[0] + ["one class alone is predicted"] * alone[1]
    value = 0.0 if any(alone) else covariance / math.sqrt(variances[0] * variances[1])
    influence = _matthews_influence(_smoothed(table))
    return _of_cells(value, influence, cell, tuple(f"{flag}: counted as 0" for flag in flags))


def _matthews_influence(shares: Values) -> Values:
    """Influence (classes, classes) of each cell; shares of no class are all there is."""
    covariance, there, told = _covariances(shares)
    labels, answers = shares.sum(axis=1), shares.sum(axis=0)
    common = float(labels @ answers)
    moved = np.eye(len(shares)) - np.add.outer(answers, labels) + common - covariance
    spread = np.add.outer((labels @ labels - labels) / there, (answers @ answers - answers) / told)
    scale = math.sqrt(there * told)
    return np.asarray(moved / scale - covariance / scale * spread)


def _covariances(shares: Values) -> tuple[float, float, float]:
    """Covariance of labels and answers, and the variance of each, summed over the classes."""
    labels, answers = shares.sum(axis=1), shares.sum(axis=0)
    agree = float(np.trace(shares)) - float(labels @ answers)
    return agree, 1 - float(labels @ labels), 1 - float(answers @ answers)


def _table(labels: Classes, predicted: Classes, k: int) -> tuple[Values, NDArray[np.intp]]:
    """Return counts (k, k) of classes 0 to k - 1, and the cell of each example."""
    cell = labels * k + predicted
    return np.bincount(cell, minlength=k * k).reshape(k, k).astype(np.float64), cell


def _smoothed(table: Values) -> Values:
    more = table + _IMAGINED / table.size
    return np.asarray(more / more.sum())


def _of_cells(
    value: float, influence: Values, cell: NDArray[np.intp], flags: tuple[str, ...]
) -> Measured:
    own = influence.ravel()
    return linearized(value, own[cell], (float(own.min()), float(own.max())), flags)
