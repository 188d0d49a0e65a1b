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
from acn_eval.statistics.score import ACCURACY, BoundedSample, Support

__all__ = ["ARCHITECTURES", "CHECKPOINTS", "Design", "Pair", "mean_of"]

CHECKPOINTS = "checkpoints"
ARCHITECTURES = "architectures"
_ROUNDING = 1e-9
Arms = tuple[NDArray[np.float64], ...]


@dataclass(frozen=True)
class Pair:
    """Values of both sides on the same n examples.

    Attributes:
        candidate, baseline: (files, n) each.
        support, flags: as in `influence.Measured`.
    """

    candidate: NDArray[np.float64]
    baseline: NDArray[np.float64]
    support: Support | None = ACCURACY
    flags: tuple[str, ...] = ()

    def __sub__(self, other: "Pair") -> "Pair":
        return Pair(self.candidate - other.candidate, self.baseline - other.baseline)

    @staticmethod
    def weighted(pairs: Sequence["Pair"], weights: NDArray[np.float64]) -> "Pair":
        """Average conditions within the example: each example and file has one value."""
        sides = ([p.candidate for p in pairs], [p.baseline for p in pairs])
        means = [np.tensordot(weights, side, axes=1) for side in sides]
        counted = [pair for pair, weight in zip(pairs, weights, strict=True) if weight]
        flags = dict.fromkeys(flag for pair in counted for flag in pair.flags)
        support = _mean_support([p.support for p in counted], weights[weights != 0])
        return Pair(means[0], means[1], support, tuple(flags))

    @property
    def between(self) -> Support | None:
        """Where differences of examples lie."""
        if self.support is None:
            return None
        low, high = self.support
        return low - high, high - low

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
        scored: whether the score method is used where examples are the sample; elsewhere t over
            the examples takes its place.
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

    def difference(self, pair: Pair, support: Support | None = None) -> BoundedSample | Student:
        """Return candidate - baseline; its support is by default that of the pair."""
        return self._effect(pair.per_example, self.arms(pair), support or pair.between)

    def accuracy(
        self, values: NDArray[np.float64], support: Support | None = ACCURACY
    ) -> BoundedSample | Student:
        """Return the mean of one side (files, n)."""
        return self._effect(values.mean(axis=0), (values,), support)

    def _effect(
        self, values: NDArray[np.float64], arms: Arms, support: Support | None
    ) -> BoundedSample | Student:
        if self.unit == ARCHITECTURES and (effect := crossed(*arms)).variance:
            return effect
        # Where no run differs from another on any example, only the examples are left to vary.
        return mean_of(values, support, scored=self.scored)

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


def mean_of(
    values: NDArray[np.float64], support: Support | None, *, scored: bool
) -> BoundedSample | Student:
    """Return the mean of values (n,) of examples, which are the sample.

    Args:
        values: of the examples.
        support: where they lie, if that is known.
        scored: whether the score method is used. It always is where the examples do not differ:
            Student's t would claim to know their mean exactly.
    """
    if support is not None and (scored or np.ptp(values) <= _ROUNDING):
        return BoundedSample.of(values, support)
    return over_examples(values)


def _mean_support(
    supports: Sequence[Support | None], weights: NDArray[np.float64]
) -> Support | None:
    known = [support for support in supports if support is not None]
    if len(known) < len(supports):
        return None
    if len(set(known)) == 1:  # a mean would add rounding errors
        return known[0]
    low, high = (weights @ np.array(known)).round(12).tolist()
    return low, high
