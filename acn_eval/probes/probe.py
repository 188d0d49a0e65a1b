"""A fitted probe: how features are scaled for it, what it answers, and how often it is right."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from acn_eval.errors import MeasureError
from acn_eval.probes.features import Features, Test, Train, Validation, require
from acn_eval.probes.protocol import Scale
from acn_eval.probes.solvers import Solution

__all__ = ["Answered", "LinearProbe", "Neighbors", "Probe", "Scaling", "accuracy", "score"]

_BATCH = 1024


@dataclass(frozen=True)
class Scaling:
    """A scaling with the moments of the training features; ``l2`` needs none.

    Attributes:
        mean, std: float64 (width,); a feature that does not vary has std 1.
    """

    scale: Scale
    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    @staticmethod
    def of(scale: Scale, x: NDArray[np.float32]) -> "Scaling":
        """Take the moments (population) of training features (n, width)."""
        exact = x.astype(np.float64)
        std = exact.std(axis=0)
        return Scaling(scale, exact.mean(axis=0), np.where(std > 0, std, 1.0))

    def __call__(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Scale features (n, width)."""
        exact = x.astype(np.float64)
        if self.scale == "standardise":
            return (exact - self.mean) / self.std
        if self.scale == "l2":
            length = np.linalg.norm(exact, axis=1, keepdims=True)
            return exact / np.where(length > 0, length, 1.0)
        return exact


class Answered(NamedTuple):
    """Predicted classes, int32 (n,), and the shares of these, float32 (n,), if there are any."""

    predicted: NDArray[np.int32]
    confidence: NDArray[np.float32] | None


class Probe(Protocol):
    """Classifies features of any split; `score` and `accuracy` take those of one."""

    def answer(self, x: NDArray[np.float32]) -> Answered:
        """Classify features (n, width)."""
        ...


@dataclass(frozen=True)
class LinearProbe:
    """A linear map of scaled features; the largest output gives the class.

    Attributes:
        classes: int64 (k,), the class of each output: those of the training images.
        probabilities: whether the softmax of the outputs estimates probabilities.
    """

    scaling: Scaling
    solution: Solution
    classes: NDArray[np.int64]
    probabilities: bool

    def answer(self, x: NDArray[np.float32]) -> Answered:
        """Classify features (n, width).

        Raises:
            MeasureError: outputs are NaN or infinite.
        """
        outputs = self.scaling(x) @ self.solution.weights.T + self.solution.bias
        if not np.isfinite(outputs).all():
            raise MeasureError("probe: outputs must be finite; got NaN or infinity")
        predicted = self.classes[outputs.argmax(axis=1)].astype(np.int32)
        if not self.probabilities:
            return Answered(predicted, None)
        return Answered(predicted, softmax(outputs, axis=1).max(axis=1).astype(np.float32))


@dataclass(frozen=True)
class Neighbors:
    """The k training images of the largest cosine vote with weight exp(cosine / temperature).

    Reference: Wu et al., "Unsupervised Feature Learning via Non-Parametric Instance
    Discrimination", 2018; k = 20 and temperature 0.07 as in DINO (Caron et al., 2021).
    """

    train: Features[Train]
    k: int = 20
    temperature: float = 0.07

    def answer(self, x: NDArray[np.float32]) -> Answered:
        """Classify features (n, width); the confidence is the share of the votes."""
        scaling = Scaling.of("l2", self.train.x)
        bank, queries = scaling(self.train.x), scaling(x)
        parts = [self._votes(queries[i : i + _BATCH], bank) for i in range(0, len(x), _BATCH)]
        votes = np.concatenate(parts)
        predicted = votes.argmax(axis=1).astype(np.int32)
        share = votes.max(axis=1) / votes.sum(axis=1)
        return Answered(predicted, share.astype(np.float32))

    def _votes(
        self, queries: NDArray[np.float64], bank: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        cosine = queries @ bank.T
        k = min(self.k, len(bank))
        near = np.argpartition(-cosine, k - 1, axis=1)[:, :k]
        weights = np.exp(np.take_along_axis(cosine, near, axis=1) / self.temperature)
        votes = np.zeros((len(queries), self.train.classes))
        rows = np.arange(len(queries))[:, None]
        np.add.at(votes, (rows, self.train.labels[near]), weights)
        return votes


def accuracy(probe: Probe, validation: Features[Validation]) -> float:
    """Return the share of validation images that a probe classifies correctly."""
    found = probe.answer(require(Validation, validation).x)
    return float(np.mean(found.predicted == validation.labels))


def score(probe: Probe, test: Features[Test]) -> Answered:
    """Classify test images; no choice takes what this returns."""
    return probe.answer(require(Test, test).x)
