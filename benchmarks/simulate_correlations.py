"""Regenerates the table of docs/statistics.md on Pearson's and Spearman's correlation.

Run: python benchmarks/simulate_correlations.py

Figures come with their Monte Carlo standard error. Many replicates are judged at once; the tests
compare them with the package.
"""

import math
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit
from scipy.stats import pearsonr, spearmanr
from simulate_metrics import SEEDS, SIZES, crossed_covers, in_parts
from simulate_statistics import Figure, Floats, generator, rates, show

NUMBERS = {  # correlations of both sides; what targets and noise are
    "normal, .80 against .80": (0.8, 0.8, "normal"),
    "normal, .90 against .85": (0.9, 0.85, "normal"),
    "normal, .99 against .99": (0.99, 0.99, "normal"),
    "normal, 0 against 0": (0.0, 0.0, "normal"),
    "0 to 5 in steps of .2 (as STS-B), .90 against .85": (0.9, 0.85, "rated"),
    "t of 5 df, .90 against .85": (0.9, 0.85, "heavy"),
    "t of 5 df, .999 against .90": (0.999, 0.9, "heavy"),
    "noise grows with the target, .90 against .85": (0.9, 0.85, "growing"),
}


def numbers(
    rng: np.random.Generator, shape: tuple[int, ...], setting: str
) -> tuple[Floats, list[Floats]]:
    """Targets and predictions of both sides (..., n), half of whose noise is shared."""
    *correlations, kind = NUMBERS[setting]
    heavy = kind == "heavy"
    targets = rng.standard_t(5, shape) * math.sqrt(0.6) if heavy else rng.normal(size=shape)
    shared, sides = rng.normal(size=shape), []
    for r in correlations:
        noise = (shared + rng.normal(size=shape)) / math.sqrt(2)
        if heavy:
            noise *= np.sqrt(3 / rng.chisquare(5, shape))
        elif kind == "growing":
            noise *= np.exp(targets / 2 - 0.25)
        sides.append(r * targets + math.sqrt(1 - r**2) * noise)
    if kind == "rated":
        targets, *sides = (np.clip(2.6 + 1.5 * x, 0, 5) for x in (targets, *sides))
        targets = np.round(5 * targets) / 5
    return targets, sides


class Places(NamedTuple):
    """Mid-ranks of all samples (..., n) at once, as shares less one half.

    Attributes:
        of: (..., n), the mid-ranks.
        order: (..., n), which number is at which place.
        first, last: (..., n), the places between which each number in this order ties.
    """

    of: Floats
    order: Floats
    first: Floats
    last: Floats

    @staticmethod
    def among(numbers: Floats) -> "Places":
        """Rank numbers (..., n) along their last axis."""
        order, n = np.argsort(numbers, axis=-1), numbers.shape[-1]
        ascending = np.take_along_axis(numbers, order, axis=-1)
        new = np.ones(numbers.shape, dtype=bool)
        new[..., 1:] = np.diff(ascending, axis=-1) > 0
        at = np.broadcast_to(np.arange(n), numbers.shape)
        first = np.maximum.accumulate(np.where(new, at, 0), axis=-1)
        ends = np.where(np.roll(new, -1, axis=-1) | (at == n - 1), at, n)
        last = np.minimum.accumulate(ends[..., ::-1], axis=-1)[..., ::-1]
        middle = ((first + last + 1) / 2) / n - 0.5
        found = np.empty_like(middle)
        np.put_along_axis(found, order, middle, axis=-1)
        return Places(found, order, first, last)

    def above(self, weights: Floats) -> Floats:
        """For each the mean over all of the weights above it, half of those beside it."""
        sums = np.take_along_axis(weights, self.order, axis=-1).cumsum(axis=-1)
        sums = np.concatenate([np.zeros((*sums.shape[:-1], 1)), sums], axis=-1)
        below, until = (np.take_along_axis(sums, k, axis=-1) for k in (self.first, self.last + 1))
        found = np.empty_like(weights)
        np.put_along_axis(found, self.order, sums[..., -1:] - (below + until) / 2, axis=-1)
        return found / weights.shape[-1]


def correlated(metric: str, predicted: Floats, targets: Floats) -> Floats:
    """Values of examples (..., n) in a correlation, all samples at once."""
    both = np.broadcast_arrays(predicted, targets)
    if metric == "Spearman":
        places = [Places.among(side) for side in both]
        both = [side.of for side in places]
    u, v = ((x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True) for x in both)
    r = (u * v).mean(axis=-1, keepdims=True)
    influence = u * v - r * (u**2 + v**2) / 2
    if metric == "Spearman":
        for side, own, other in zip(places, (u, v), (v, u), strict=True):
            influence = influence + side.above(other - r * own) / side.of.std(-1, keepdims=True)
    else:
        influence = influence / (1 - (1 + (u**2 + v**2) / 2) / u.shape[-1])
    return r + influence - influence.mean(axis=-1, keepdims=True)


def t_covers(gaps: Floats, truth: float) -> list[bool]:
    """Whether t over differences of examples covers, for every replicate of (replicates, n)."""
    n = gaps.shape[1]
    half = stdtrit(n - 1, 0.975) * gaps.std(axis=1, ddof=1) / math.sqrt(n)
    return (np.abs(gaps.mean(axis=1) - truth) <= half).tolist()


def two_files(
    replicates: int = 2000,
    settings: tuple[str, ...] = (*NUMBERS,),
    sizes: tuple[int, ...] = SIZES,
) -> list[Figure]:
    """Coverage of 95 % intervals of differences in correlation, two files."""
    found = []
    for setting in settings:
        targets, sides = numbers(generator("truth", setting), (2_000_000,), setting)
        truths = {
            metric: float(np.subtract(*(of(side, targets).statistic for side in sides)))
            for metric, of in {"Pearson": pearsonr, "Spearman": spearmanr}.items()
        }
        for n in sizes:
            rng, hits = generator(setting, n), {metric: [] for metric in truths}
            for part in in_parts(replicates):
                targets, sides = numbers(rng, (part, n), setting)
                for metric, truth in truths.items():
                    ours, theirs = (correlated(metric, side, targets) for side in sides)
                    hits[metric] += t_covers(ours - theirs, truth)
            found += rates(setting, n, hits)
    return found


OF_NUMBER_SEEDS = {
    ".80 against .80": (0.8, 0.8),
    ".90 against .85": (0.9, 0.85),
    "0 against 0": (0.0, 0.0),
}


def expected(metric: str, correlation: float) -> float:
    """Expectation over seeds, which vary by .1 in Fisher's z, of normal numbers."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    own = np.tanh(np.arctanh(correlation) + 0.1 * nodes)
    if metric == "Spearman":
        own = 6 / math.pi * np.arcsin(own / 2)
    return float(weights @ own / weights.sum())


def numbers_of_seeds(
    rng: np.random.Generator, shape: tuple[int, int, int], both: tuple[float, float]
) -> tuple[Floats, list[Floats]]:
    """Targets (replicates, 1, n) and predictions (replicates, seeds, n) of both sides."""
    replicates, count, n = shape
    targets, shared = rng.normal(size=(2, replicates, 1, n))
    sides = []
    for r in both:
        own = np.tanh(np.arctanh(r) + 0.1 * rng.normal(size=(replicates, count, 1)))
        noise = (shared + rng.normal(size=shape)) / math.sqrt(2)
        sides.append(own * targets + np.sqrt(1 - own**2) * noise)
    return targets, sides


def seeds(replicates: int = 2000, sizes: tuple[int, ...] = SIZES) -> list[Figure]:
    """The same with 3 and 5 seeds a side of normal numbers; seeds vary by .1 in Fisher's z."""
    found = []
    for (name, both), count, n in product(OF_NUMBER_SEEDS.items(), SEEDS, sizes):
        setting = f"{name}; {count} seeds"
        rng, hits = generator(setting, n), {metric: [] for metric in ("Pearson", "Spearman")}
        for part in in_parts(replicates):
            targets, sides = numbers_of_seeds(rng, (part, count, n), both)
            for metric, own in hits.items():
                values = (correlated(metric, side, targets) for side in sides)
                truth = float(np.subtract(*(expected(metric, r) for r in both)))
                own += crossed_covers(*values, truth)
        found += rates(setting, n, hits)
    return found


if __name__ == "__main__":
    for table in (two_files, seeds):
        print(f"\n## {table.__name__}\n\n{(table.__doc__ or '').splitlines()[0]}\n", flush=True)
        show(table())
