"""Two architectures: training seeds crossed with test examples, both of them samples."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from acn_eval.config_files import Config, Seed
from acn_eval.results import CheckpointId
from acn_eval.statistics.score import Interval

__all__ = [
    "MIN_SIGN_FLIP",
    "PairedSeeds",
    "Student",
    "crossed",
    "over_examples",
    "pair_by_seed",
    "seeds_only",
    "sign_flip",
]

MIN_SIGN_FLIP = 6


class PairedSeeds(Config, frozen=True):
    """Why runs of equal seeds may be analyzed as pairs: on other seeds they varied together.

    Pairing halves the degrees of freedom. With 5 seeds per side it pays where runs correlate by
    more than ``1 - (t.975(8) / t.975(4))^2`` = .31.

    Attributes:
        correlation: of both sides' endpoints over `seeds`, measured before the comparison.
        seeds: of training, or draws of its data; the compared runs must have others.
    """

    correlation: Annotated[float, Field(gt=0.31, le=1)]
    seeds: Annotated[tuple[Seed, ...], Field(min_length=5, max_length=1000)]


@dataclass(frozen=True)
class Student:
    """An estimate whose error is Student's t: value, variance of the value, degrees of freedom."""

    value: float
    variance: float
    df: float

    def z(self, delta: float = 0.0) -> float:
        """Return the normal quantile that is as extreme as t of ``mean = delta``."""
        gap = self.value - delta
        if gap == 0 or self.variance == 0:
            return math.copysign(math.inf, gap) if gap else 0.0
        tail = stdtr(self.df, -abs(gap) / math.sqrt(self.variance))
        return math.copysign(-float(ndtri(tail)), gap)

    def p(self, delta: float = 0.0) -> float:
        """Return the two-sided p value of ``mean = delta``."""
        return float(2 * ndtr(-abs(self.z(delta))))

    def interval(self, confidence: float = 0.95) -> Interval:
        """Return the value with equal tails to both sides."""
        if self.variance == 0:
            return Interval(self.value, self.value)
        half = stdtrit(self.df, (1 + confidence) / 2) * math.sqrt(self.variance)
        return Interval(self.value - float(half), self.value + float(half))


def crossed(*arms: NDArray[np.float64]) -> Student:
    r"""Return the sum of the arms' grand means when seeds and examples both are samples.

    Each arm is (S, n): rows are training seeds, columns are the same n examples. Paired seeds are
    one arm of differences; independent seeds are two arms, the baseline's negated (Welch).

    .. math::
        A = \sum_{arms} s^2(\text{seed means}) / S, \quad
        I = s^2(\text{example means}) / n, \quad
        E = \sum_{arms} MS_{residual} / (S n)

        V = \max(A + I - E,\ A,\ I), \quad
        df = V^2 / \left(\sum_{arms} A_{arm}^2 / (S - 1) + I^2 / (n - 1)\right)

    Both A and I contain the residual once, hence the subtraction.

    References:
        Satterthwaite, "An approximate distribution of estimates of variance components",
        Biometrics Bulletin 2, 1946. Owen, "The pigeonhole bootstrap", Annals of Applied
        Statistics 1, 2007, on why rows and columns both have to vary.
    """
    n = arms[0].shape[1]
    seeds, spread = _over_seeds(arms)
    examples = float(np.var(sum(arm.mean(axis=0) for arm in arms), ddof=1)) / n
    residual = sum(_residual_mean_square(arm) / arm.size for arm in arms)
    variance = max(seeds + examples - residual, seeds, examples)
    return _student(arms, variance, spread + examples**2 / (n - 1))


def over_examples(values: NDArray[np.float64]) -> Student:
    """Return the mean of values (n,) when the examples alone are a sample: Student's t."""
    n = len(values)
    return Student(float(values.mean()), float(np.var(values, ddof=1)) / n, n - 1)


def seeds_only(*arms: NDArray[np.float64]) -> Student:
    """Return the same sum when only the seeds are a sample: it holds for these test examples."""
    return _student(arms, *_over_seeds(arms))


def sign_flip(differences: NDArray[np.float64]) -> float:
    """Return the exact two-sided p of the sign-flip test on paired seed differences (S,).

    Every pattern of signs is equally likely if the pairs are exchangeable, so the smallest
    possible p is ``2 / 2**S``: .0625 for five pairs, which is why six are needed.

    Raises:
        ValueError: fewer than six pairs.
    """
    if len(differences) < MIN_SIGN_FLIP:
        raise ValueError(f"sign_flip: needs {MIN_SIGN_FLIP} pairs or more; got {len(differences)}")
    signs = np.array(list(product((-1.0, 1.0), repeat=len(differences))))
    sums = np.abs(signs @ differences)
    # Sums of the same numbers in another order differ in the last bits.
    return float(np.mean(sums >= abs(differences.sum()) * (1 - 1e-9)))


def pair_by_seed(
    candidates: Sequence[CheckpointId], baselines: Sequence[CheckpointId]
) -> tuple[int, ...] | None:
    """Return for each candidate the position of its baseline twin, or None if there are none.

    Twins share a seed and the order of the training examples (``training["data_order"]``), and all
    of them declare one and the same evidence that such runs vary together, from seeds that are
    not among these (``training["paired_seeds"]``). The compared seeds themselves never decide it;
    without a declaration seeds are independent samples (Welch).
    """
    if not _declared([*candidates, *baselines]):
        return None
    wanted, offered = ([_stream(c) for c in side] for side in (candidates, baselines))
    twins = None not in wanted and len(set(wanted)) == len(wanted)
    if not twins or sorted(map(str, wanted)) != sorted(map(str, offered)):
        return None
    return tuple(offered.index(stream) for stream in wanted)


def _declared(checkpoints: Sequence[CheckpointId]) -> bool:
    """Whether one declaration of paired seeds is shared by all, and was made on other seeds."""
    try:
        every = {PairedSeeds.model_validate(c.training.get("paired_seeds")) for c in checkpoints}
    except ValidationError:
        return False
    judged = {checkpoint.training.get("seed") for checkpoint in checkpoints}
    return len(every) == 1 and judged.isdisjoint(every.pop().seeds)


def _stream(checkpoint: CheckpointId) -> tuple[object, object] | None:
    seed, order = checkpoint.training.get("seed"), checkpoint.training.get("data_order")
    return None if seed is None or order is None else (seed, order)


def _over_seeds(arms: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    """Variance of the grand mean over seeds, and what it adds to variance^2 / df."""
    parts = [float(np.var(arm.mean(axis=1), ddof=1)) / len(arm) for arm in arms]
    terms = [part**2 / (len(arm) - 1) for arm, part in zip(arms, parts, strict=True)]
    return float(sum(parts)), float(sum(terms))


def _student(arms: Sequence[NDArray[np.float64]], variance: float, spread: float) -> Student:
    value = float(sum(arm.mean() for arm in arms))
    return Student(value, variance, float(variance**2 / spread) if spread else math.inf)


def _residual_mean_square(arm: NDArray[np.float64]) -> float:
    left = arm - arm.mean(axis=0) - arm.mean(axis=1, keepdims=True) + arm.mean()
    return float(np.sum(left**2) / ((arm.shape[0] - 1) * (arm.shape[1] - 1)))
