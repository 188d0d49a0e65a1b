"""The accuracy matrix of a continual training, and its measures."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["AccuracyMatrix"]


@dataclass(frozen=True)
class AccuracyMatrix:
    """Accuracy on every task after every task.

    Three definitions of forgetting are in use; each is a mean over the tasks before the last,
    which cannot have been forgotten yet.

    Attributes:
        values: float64 (stages, tasks): row t is after task t was learned. Joint training, of all
            tasks at once, has one row and no forgetting.

    >>> seen = AccuracyMatrix(np.array([[0.8, 0.1, 0.0], [0.9, 0.7, 0.0], [0.6, 0.8, 0.5]]))
    >>> round(seen.average, 4), round(seen.learning, 4)
    (0.6333, 0.6667)
    >>> [round(f, 4) for f in (seen.forgetting, seen.forgetting_best, seen.forgetting_clamped)]
    [0.05, 0.1, 0.15]
    >>> round(seen.backward_transfer, 4)
    -0.05
    """

    values: NDArray[np.float64]

    @property
    def sequential(self) -> bool:
        """Whether tasks were learned one after another, two or more of them."""
        stages, tasks = self.values.shape
        return bool(stages == tasks > 1)

    @property
    def average(self) -> float:
        """Mean accuracy over tasks after the last (ACC of Lopez-Paz and Ranzato, 2017)."""
        return float(self.values[-1].mean())

    @property
    def learning(self) -> float:
        """Mean accuracy on each task right after learning it."""
        return float(np.diagonal(self.values).mean())

    @property
    def forgetting(self) -> float:
        """Mean of (accuracy right after learning - at the end): the paper's definition."""
        return float((np.diagonal(self.values) - self.values[-1])[:-1].mean())

    @property
    def forgetting_best(self) -> float:
        """Mean of (best accuracy before the last stage - at the end): Chaudhry et al., 2018."""
        return float((self.values[:-1].max(axis=0) - self.values[-1])[:-1].mean())

    @property
    def forgetting_clamped(self) -> float:
        """The same, where the best includes the last stage: no task counts below zero."""
        return float((self.values.max(axis=0) - self.values[-1])[:-1].mean())

    @property
    def backward_transfer(self) -> float:
        """BWT of Lopez-Paz and Ranzato, 2017: forgetting right after learning, negated."""
        return -self.forgetting

    def intransigence(self, reference: NDArray[np.float64]) -> float:
        """Return the mean of (reference - accuracy right after learning): Chaudhry et al., 2018.

        Args:
            reference: (tasks,), accuracy of a network that learned all tasks together.
        """
        return float((reference - np.diagonal(self.values)).mean())

    def curve(self) -> NDArray[np.float64]:
        """Return the mean accuracy over the tasks learned so far, after each of them (tasks,)."""
        return np.array([row[: t + 1].mean() for t, row in enumerate(self.values)])
