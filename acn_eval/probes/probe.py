"""A fitted probe: what it answers on features, and how often it is right."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from acn_eval.errors import MeasureError
from acn_eval.probes.features import Features, Test, Train, Validation, require
from acn_eval.probes.scaling import Scaling
from acn_eval.probes.solution import Solution

__all__ = ["Answered", "LinearProbe", "Neighbours", "Probe", "accuracy", "score"]

_BATCH = 1024


class Answered(NamedTuple):
    """What a probe makes of n images.

    Attributes:
        predicted: int32 (n,), index into the classes.
        confidence: float32 (n,), share of the predicted class; None where a probe has none.
    """

    predicted: NDArray[np.int32]
    confidence: NDArray[np.float32] | None


class Probe(Protocol):
    """Answers on features of any split; `score` and `accuracy` say which may be asked when."""

    def answer(self, x: NDArray[np.float32]) -> Answered:
        """Answer on features (n, width)."""
        ...


@dataclass(frozen=True)
class LinearProbe:
    """A linear map of scaled features; the largest output is the answer.

    Attributes:
        classes: int64 (k,), the class of each output: those that the training images had.
        probabilities: whether the softmax of the outputs is one.
    """

    scaling: Scaling
    solution: Solution
    classes: NDArray[np.int64]
    probabilities: bool

    def answer(self, x: NDArray[np.float32]) -> Answered:
        """Answer on features (n, width).

        Raises:
            MeasureError: outputs that are NaN or infinite.
        """
        outputs = self.scaling(x) @ self.solution.weights.T + self.solution.bias
        if not np.isfinite(outputs).all():
            raise MeasureError("probe: outputs must be finite; got NaN or infinity")
        predicted = self.classes[outputs.argmax(axis=1)].astype(np.int32)
        if not self.probabilities:
            return Answered(predicted, None)
        return Answered(predicted, softmax(outputs, axis=1).max(axis=1).astype(np.float32))


@dataclass(frozen=True)
class Neighbours:
    """The k training images of largest cosine vote with weight exp(cosine / temperature).

    Reference: Wu et al., "Unsupervised Feature Learning via Non-Parametric Instance
    Discrimination", 2018; k = 20 and temperature 0.07 as in DINO (Caron et al., 2021).
    """

    train: Features[Train]
    k: int = 20
    temperature: float = 0.07

    def answer(self, x: NDArray[np.float32]) -> Answered:
        """Answer on features (n, width); confidence is the share of the votes."""
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
    """Return the share of validation images that a probe gets right: what choices rest on."""
    found = probe.answer(require(Validation, validation).x)
    return float(np.mean(found.predicted == validation.labels))


def score(probe: Probe, test: Features[Test]) -> Answered:
    """Answer on test images; nothing that this returns can be chosen by."""
    return probe.answer(require(Test, test).x)
