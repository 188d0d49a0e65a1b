"""Which variation counts: that of examples between given files, or of training seeds as well."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acn_eval.results import CheckpointId
from acn_eval.statistics.architectures import (
    MIN_SIGN_FLIP,
    Student,
    crossed,
    over_examples,
    pair_by_seed,
    seeds_only,
    sign_flip,
)
from acn_eval.statistics.score import ACCURACY, DIFFERENCE, BoundedSample, Support

__all__ = ["ARCHITECTURES", "CHECKPOINTS", "Design", "Pair"]

CHECKPOINTS = "checkpoints"
ARCHITECTURES = "architectures"
Arms = tuple[NDArray[np.float64], ...]


@dataclass(frozen=True)
class Pair:
    """Values of both sides on the same n examples: (files, n) each."""

    candidate: NDArray[np.float64]
    baseline: NDArray[np.float64]

    def __sub__(self, other: "Pair") -> "Pair":
        return Pair(self.candidate - other.candidate, self.baseline - other.baseline)

    @staticmethod
    def weighted(pairs: Sequence["Pair"], weights: NDArray[np.float64]) -> "Pair":
        """Average conditions within the example: each example and file has one value."""
        sides = ([p.candidate for p in pairs], [p.baseline for p in pairs])
        return Pair(*(np.tensordot(weights, side, axes=1) for side in sides))

    @property
    def per_example(self) -> NDArray[np.float64]:
        """Candidate - baseline per example (n,), each side averaged over its files."""
        return np.asarray(self.candidate.mean(axis=0) - self.baseline.mean(axis=0))


@dataclass(frozen=True)
class Design:
    """How a comparison is analyzed.

    Attributes:
        unit: "checkpoints": the files are given and the examples are the sample;
            "architectures": training seeds and examples are both samples.
        twins: for each candidate the position of the baseline that shares its training
            randomness; None where seeds are independent.
        scored: whether values of examples lie in [0, 1], so that the score method holds;
            elsewhere t over the examples takes its place.
    """

    unit: str
    twins: tuple[int, ...] | None = None
    scored: bool = True

    @staticmethod
    def of(
        candidates: Sequence[CheckpointId], baselines: Sequence[CheckpointId], least: int
    ) -> "Design":
        """Read the design from the checkpoints: `least` seeds or more per side are a sample."""
        if min(len(candidates), len(baselines)) < least:
            return Design(CHECKPOINTS)
        return Design(ARCHITECTURES, pair_by_seed(candidates, baselines))

    def difference(self, pair: Pair, support: Support = DIFFERENCE) -> BoundedSample | Student:
        """Return candidate - baseline."""
        return self._effect(pair.per_example, self.arms(pair), support)

    def accuracy(self, values: NDArray[np.float64]) -> BoundedSample | Student:
        """Return the mean of one side (files, n)."""
        return self._effect(values.mean(axis=0), (values,), ACCURACY)

    def _effect(
        self, values: NDArray[np.float64], arms: Arms, support: Support
    ) -> BoundedSample | Student:
        if self.unit == ARCHITECTURES and (effect := crossed(*arms)).variance:
            return effect
        # Where no run differs from another on any example, only the examples are left to vary.
        return BoundedSample.of(values, support) if self.scored else over_examples(values)

    def same_images(self, pair: Pair) -> Student | None:
        """Return the difference on these very test examples, where there are seeds to judge it."""
        return None if self.unit == CHECKPOINTS else seeds_only(*self.arms(pair))

    def sign_flip(self, pair: Pair) -> float | None:
        """Return the exact p over twins, where six pairs or more allow one below .05."""
        if self.twins is None or len(self.twins) < MIN_SIGN_FLIP:
            return None
        return sign_flip(self.arms(pair)[0].mean(axis=1))

    def arms(self, pair: Pair) -> Arms:
        """Return the independent sets of seeds whose means add up to the difference."""
        if self.twins is None:
            return pair.candidate, -pair.baseline
        return (pair.candidate - pair.baseline[list(self.twins)],)
