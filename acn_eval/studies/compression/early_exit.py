"""Early exit: the exit that answers each example under a rule, and what that saves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acn_eval.statistics.comparison import Estimate
from acn_eval.statistics.score import ACCURACY, BoundedSample

__all__ = ["BATCH", "RULES", "Exits", "Operating", "Prices", "Rule", "chosen", "operating"]

BATCH = 32
"""Examples that begin together where not each is alone."""


@dataclass(frozen=True)
class Exits:
    """What every exit 0 .. L answers about the same examples; every array is (exits, n).

    Attributes:
        confidence: softmax of the predicted class.
        entropy: of the softmax, in nats.
        correct: 1 / 0.
    """

    predicted: NDArray[np.int32]
    confidence: NDArray[np.float32]
    entropy: NDArray[np.float32]
    correct: NDArray[np.float32]

    def accuracies(self) -> list[float]:
        """Return the accuracy of every exit."""
        return [float(mean) for mean in self.correct.mean(axis=1, dtype=np.float64)]


@dataclass(frozen=True)
class Rule:
    """When an example leaves the network.

    Attributes:
        thresholds: candidates, from the strictest to the loosest.
        ready: (exits, threshold) to a mask (exits, n) of exits that would answer.
    """

    name: str
    thresholds: tuple[float, ...]
    ready: Callable[[Exits, float], NDArray[np.bool_]]

    def taken(self, exits: Exits, threshold: float) -> NDArray[np.int64]:
        """Return the exit (n,) that answers each example: the first ready one, else the last.

        The embedding alone, exit 0, never answers.
        """
        ready = self.ready(exits, threshold)
        ready[0], ready[-1] = False, True
        return np.asarray(ready.argmax(axis=0), np.int64)


@dataclass(frozen=True)
class Prices:
    """What it costs to leave at exit 0 .. L, all heads on the way included.

    Attributes:
        flops: of an example.
        milliseconds: of an example that is alone.
        together: milliseconds of `BATCH` examples that all leave there; None: not measured.
    """

    flops: Sequence[float]
    milliseconds: Sequence[float]
    together: Sequence[float] | None

    def in_a_batch(self, taken: NDArray[np.int64]) -> float | None:
        """Return the expected milliseconds per example of a random batch, see `Operating`.

        None where batches were not timed.

        From one exit to the next, n examples need a + b n, the line through both times, and none
        need nothing. Of the batch, binomially many are still there.

        Args:
            taken: exits (n,) of examples like those of the batch.
        """
        if self.together is None:
            return None
        first = min(1, len(self.flops) - 1)
        exits = np.arange(first, len(self.flops))
        one, all_ = (np.diff(t[first:], prepend=0.0) for t in (self.milliseconds, self.together))
        each = (all_ - one) / (BATCH - 1)
        there = (taken >= exits[:, None]).mean(axis=1)
        some = 1 - (1 - there) ** BATCH
        return float(((one - each) * some / BATCH + each * there).sum())


@dataclass(frozen=True)
class Operating:
    """One point of the trade-off: accuracy with 95 % limits, and means per example.

    Attributes:
        milliseconds: of examples that come one by one.
        milliseconds_in_batch: of those that come `BATCH` at a time; those that have left a batch
            cost nothing more. It is the sum of measured times of the blocks.
        left: share of the examples that leave at exit 0 .. L.
    """

    rule: str
    threshold: float
    accuracy: Estimate
    mean_exit: float
    flops: float
    milliseconds: float
    milliseconds_in_batch: float | None
    left: tuple[float, ...]


def _patient(exits: Exits, threshold: float) -> NDArray[np.bool_]:
    """Whether so many further exits gave the same prediction (exit 0 does not count)."""
    streak = np.zeros(exits.predicted.shape, np.int64)
    for k in range(2, len(streak)):
        same = exits.predicted[k] == exits.predicted[k - 1]
        streak[k] = np.where(same, streak[k - 1] + 1, 0)
    return streak >= threshold


RULES: tuple[Rule, ...] = (
    Rule(
        "entropy",
        (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.4, 1.8),
        lambda exits, threshold: exits.entropy < threshold,
    ),
    Rule(
        "confidence",
        (0.99, 0.98, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5),
        lambda exits, threshold: exits.confidence > threshold,
    ),
    Rule("patience", (6.0, 5.0, 4.0, 3.0, 2.0, 1.0), _patient),
)
"""Entropy below a threshold (the paper's, there 0.7 nats), confidence above one, and patience
(Zhou et al., "BERT loses patience", 2020): as many further exits agree."""


def operating(rule: Rule, threshold: float, exits: Exits, prices: Prices) -> Operating:
    """Return the trade-off of one threshold."""
    taken = rule.taken(exits, threshold)
    correct = exits.correct[taken, np.arange(len(taken))]
    sample = BoundedSample.of(correct, ACCURACY)
    left = np.bincount(taken, minlength=len(exits.correct)) / len(taken)
    return Operating(
        rule=rule.name,
        threshold=threshold,
        accuracy=Estimate(sample.value, *sample.interval()),
        mean_exit=float(taken.mean()),
        flops=float(np.asarray(prices.flops)[taken].mean()),
        milliseconds=float(np.asarray(prices.milliseconds)[taken].mean()),
        milliseconds_in_batch=prices.in_a_batch(taken),
        left=tuple(left.tolist()),
    )


def chosen(rule: Rule, validation: Exits, prices: Prices, tolerance: float) -> float:
    """Return the threshold with the fewest FLOPs that loses at most the tolerance on validation.

    Where every threshold loses more, it is the strictest.
    """
    last = validation.accuracies()[-1]
    spent = {t: operating(rule, t, validation, prices) for t in rule.thresholds}
    good = [t for t, o in spent.items() if o.accuracy.value >= last - tolerance - 1e-12]
    return min(good, key=lambda t: spent[t].flops, default=rule.thresholds[0])
