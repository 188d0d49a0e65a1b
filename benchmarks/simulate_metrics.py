"""Regenerates the tables of docs/statistics.md on F1, Matthews' correlation and correlations.

Run: python benchmarks/simulate_metrics.py [table ...]

Figures come with their Monte Carlo standard error. A difference is covered where the test of the
true one does not reject; so where nothing differs, 1 - coverage is the size of the test. Seeds and
correlations are judged for many replicates at once; the tests compare them with the package.
"""

import math
import sys
from collections.abc import Callable, Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit
from scipy.stats import multivariate_normal, norm, pearsonr, spearmanr
from simulate_statistics import Figure, Floats, generator, rates, show

from acn_eval.statistics.architectures import over_examples
from acn_eval.statistics.counts import f1, matthews
from acn_eval.statistics.design import CHECKPOINTS, Design, Pair
from acn_eval.statistics.influence import Measured

SIZES = (277, 872, 1043)  # development sets of RTE, SST-2 and CoLA
SEEDS = (3, 5)
Z95 = float(norm.ppf(0.975))
OF_CLASSES = {"Matthews": matthews, "F1": f1}
PART = 250  # replicates


class Task(NamedTuple):
    """Two classes and two sides.

    Attributes:
        positive: share of examples of the positive class.
        ours, theirs: how often a side says "positive" in the positive and in the other class.
        alike: correlation of both sides' scores within a class.
    """

    positive: float
    ours: tuple[float, float]
    theirs: tuple[float, float]
    alike: float = 0.7


TASKS = {
    "no difference": Task(0.5, (0.8, 0.2), (0.8, 0.2)),
    "10 points": Task(0.5, (0.8, 0.2), (0.75, 0.25)),
    "Matthews .30 (as CoLA)": Task(0.7, (0.85, 0.57), (0.85, 0.57), 0.8),
    "the same, other thresholds": Task(0.7, (0.85, 0.57), (0.65, 0.33), 0.8),
    "both near all-accept": Task(0.7, (0.985, 0.95), (0.985, 0.95)),
    "near all-accept against good": Task(0.7, (0.985, 0.95), (0.9, 0.4)),
    "both near 1": Task(0.7, (0.99, 0.01), (0.98, 0.02), 0.8),
    "both very near 1": Task(0.7, (0.998, 0.003), (0.998, 0.003), 0.9),
    "one perfect": Task(0.5, (1.0, 0.0), (0.99, 0.01)),
    "Matthews 0": Task(0.7, (0.6, 0.6), (0.6, 0.6), 0.3),
    "hardly ever different": Task(0.7, (0.85, 0.5), (0.85, 0.5), 0.999),
    "10 % positive, F1 .71": Task(0.1, (0.7, 0.03), (0.7, 0.03), 0.8),
    "10 % positive, F1 .16": Task(0.1, (0.1, 0.02), (0.1, 0.02), 0.6),
}
LABEL, OURS, THEIRS = np.arange(8) // 4, np.arange(8) // 2 % 2, np.arange(8) % 2


def cells(task: Task) -> Floats:
    """Probabilities of label, ours and theirs, which are the digits of the cell (8,)."""
    found = []
    for share, at in ((1 - task.positive, 1), (task.positive, 0)):
        ours, theirs = task.ours[at], task.theirs[at]
        both = min(ours, theirs)
        if 0 < ours < 1 and 0 < theirs < 1:
            place, shape = norm.ppf([ours, theirs]), [[1, task.alike], [task.alike, 1]]
            both = float(multivariate_normal.cdf(place, cov=shape))
        else:
            both = ours * theirs
        rest = 1 - ours - theirs + both
        found += [share * p for p in (rest, theirs - both, ours - both, both)]
    return np.maximum(found, 0) / np.maximum(found, 0).sum()


def of_shares(metric: str, tp: Floats, fn: Floats, fp: Floats) -> Floats:
    """F1 or Matthews' correlation by its definition, of shares of all examples."""
    if metric == "F1":
        return 2 * tp / (2 * tp + fp + fn)
    told, there = tp + fp, tp + fn
    return (tp - told * there) / np.sqrt(told * (1 - told) * there * (1 - there))


def truth_of_cells(metric: str, shares: Floats) -> float:
    """The difference of both sides."""
    values = [
        of_shares(metric, *(shares[cell].sum() for cell in _cells_of(side)))
        for side in (OURS, THEIRS)
    ]
    return float(values[0] - values[1])


def _cells_of(side: Floats) -> Iterator[Floats]:
    """True positives, false negatives, false positives."""
    return ((y == LABEL) & (p == side) for y, p in ((1, 1), (1, 0), (0, 1)))


def covers(sides: list[Measured], truth: float) -> bool:
    """Whether the score test of a true difference does not reject it."""
    every = Measured.over_draws([[side] for side in sides])
    pair = Pair(every.values[:1], every.values[1:], every.support)
    return abs(Design(CHECKPOINTS).difference(pair).z(truth)) < Z95


def students_t(sides: list[Measured], truth: float) -> bool:
    """Whether t over the examples would not reject it."""
    low, high = over_examples(sides[0].values - sides[1].values).interval()
    return low <= truth <= high


def two_files_by_t(replicates: int = 2000) -> list[Figure]:
    """The same with t limits, which are not used, of 277 examples."""
    return two_files(replicates, sizes=SIZES[:1], covered=students_t)


def two_files(
    replicates: int = 2000,
    tasks: tuple[str, ...] = (*TASKS,),
    sizes: tuple[int, ...] = SIZES,
    covered: Callable[[list[Measured], float], bool] = covers,
) -> list[Figure]:
    """Coverage of 95 % intervals of differences in F1 and Matthews' correlation, two files."""
    found = []
    for setting, n in product(tasks, sizes):
        shares, hits = cells(TASKS[setting]), {metric: [] for metric in OF_CLASSES}
        draws = generator(setting, n).multinomial(n, shares, replicates)
        for counts in draws:
            labels, *sides = (np.repeat(digit, counts) for digit in (LABEL, OURS, THEIRS))
            for metric, of in OF_CLASSES.items():
                measured = [of(labels, side) for side in sides]
                hits[metric].append(covered(measured, truth_of_cells(metric, shares)))
        found += rates(setting, n, hits)
    return found


SPREADS = {"seeds vary little": 0.05, "seeds vary much": 0.3}  # in probits; scores have 1
OF_SEEDS = tuple(name for name in TASKS if name not in ("10 points", "hardly ever different"))


def rates_of(task: Task, side: tuple[float, float], spread: float, z: Floats) -> Floats:
    """How often a seed with its own threshold and strength z (2, ...) says "positive" (2, ...)."""
    scale = math.sqrt(1 + 1.25 * spread**2)
    place = [scale * norm.ppf(min(max(rate, 1e-4), 1 - 1e-4)) for rate in side]
    return np.array(
        [p + spread * (z[0] + s * z[1] / 2) for p, s in zip(place, (1, -1), strict=True)]
    )


def truth_of_seeds(metric: str, task: Task, spread: float) -> float:
    """The difference of expectations over seeds, by Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    z, weight = np.array(np.meshgrid(nodes, nodes)), np.outer(weights, weights)
    values = []
    for side in (task.ours, task.theirs):
        hit, false = norm.cdf(rates_of(task, side, spread, z))
        tp, fp = task.positive * hit, (1 - task.positive) * false
        values.append(np.sum(weight * of_shares(metric, tp, task.positive - tp, fp)))
    return float((values[0] - values[1]) / weight.sum())


def answers_of_seeds(
    rng: np.random.Generator, task: Task, shape: tuple[int, int, int], spread: float
) -> tuple[Floats, list[Floats]]:
    """Labels (replicates, 1, n) and the answers (replicates, seeds, n) of both sides.

    60 % of the variance of a score is the example's.
    """
    replicates, count, n = shape
    labels = (rng.random((replicates, 1, n)) < task.positive).astype(int)
    shared, sides = rng.normal(size=labels.shape), []
    for side in (task.ours, task.theirs):
        place = rates_of(task, side, spread, rng.normal(size=(2, replicates, count, 1)))
        noise = math.sqrt(0.6) * shared + math.sqrt(0.4) * rng.normal(size=shape)
        sides.append((np.where(labels, place[0], place[1]) + noise > 0).astype(int))
    return labels, sides


def counted(metric: str, labels: Floats, answers: Floats) -> Floats:
    """Values of examples (..., n) in F1 or Matthews' correlation, all samples at once."""
    cell, n = 2 * labels + answers, answers.shape[-1]
    counts = np.stack([(cell == k).sum(axis=-1) for k in range(4)], axis=-1)
    with np.errstate(invalid="ignore"):
        value = np.nan_to_num(of_shares(metric, *(counts[..., k] / n for k in (3, 2, 1))))
    shares = (counts + 0.5) / (n + 2)
    y, p = np.arange(4) // 2, np.arange(4) % 2
    there, told = ((shares * side).sum(axis=-1)[..., None] for side in (y, p))
    smooth = of_shares(metric, *(shares[..., k, None] for k in (3, 2, 1)))
    if metric == "F1":
        influence = (2 * y * p - smooth * (y + p)) / (there + told)
    else:
        u, v = (y - there) / np.sqrt(there * (1 - there)), (p - told) / np.sqrt(told * (1 - told))
        influence = u * v - smooth * (u**2 + v**2) / 2
    own = np.take_along_axis(influence, cell, axis=-1)
    return value[..., None] + own - own.mean(axis=-1, keepdims=True)


def crossed_covers(ours: Floats, theirs: Floats, truth: float) -> list[bool]:
    """Whether `crossed` of (seeds, n) covers, for every replicate of (replicates, seeds, n)."""
    (count, n), parts, residual = ours.shape[1:], 0.0, 0.0
    spread: Floats | float = 0.0
    for arm in (ours, theirs):
        means = arm.mean(axis=2).var(axis=1, ddof=1) / count
        parts, spread = parts + means, spread + means**2 / (count - 1)
        left = arm - arm.mean(axis=1, keepdims=True) - arm.mean(axis=2, keepdims=True)
        left += arm.mean(axis=(1, 2), keepdims=True)
        residual += (left**2).sum(axis=(1, 2)) / ((count - 1) * (n - 1) * count * n)
    examples = (ours.mean(axis=1) - theirs.mean(axis=1)).var(axis=1, ddof=1) / n
    variance = np.maximum.reduce([parts + examples - residual, parts, examples])
    whole = variance > 1e-18
    df = variance[whole] ** 2 / (spread + examples**2 / (n - 1))[whole]
    gap = np.abs(ours.mean(axis=(1, 2)) - theirs.mean(axis=(1, 2)) - truth)
    covers = np.ones(len(ours), dtype=bool)  # without any scatter limits are the score method's
    covers[whole] = gap[whole] <= stdtrit(df, 0.975) * np.sqrt(variance[whole])
    return covers.tolist()


def in_parts(replicates: int) -> Iterator[int]:
    """Sizes of parts that fit into memory."""
    return (min(PART, replicates - done) for done in range(0, replicates, PART))


def seeds(
    replicates: int = 2000,
    tasks: tuple[str, ...] = OF_SEEDS,
    sizes: tuple[int, ...] = SIZES,
) -> list[Figure]:
    """The same with 3 and 5 seeds a side."""
    found = []
    for setting, (spread, width), count, n in product(tasks, SPREADS.items(), SEEDS, sizes):
        task, name = TASKS[setting], f"{setting}; {spread}; {count} seeds"
        rng = generator(name, n)
        hits: dict[str, list[bool]] = {metric: [] for metric in OF_CLASSES}
        for part in in_parts(replicates):
            labels, sides = answers_of_seeds(rng, task, (part, count, n), width)
            for metric in OF_CLASSES:
                values = (counted(metric, labels, side) for side in sides)
                truth = truth_of_seeds(metric, task, width)
                hits[metric] += crossed_covers(*values, truth)
        found += rates(name, n, hits)
    return found


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


def two_files_of_numbers(
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


def seeds_of_numbers(replicates: int = 2000, sizes: tuple[int, ...] = SIZES) -> list[Figure]:
    """The same with 3 and 5 seeds a side; normal, seeds vary by .1 in Fisher's z."""
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


TABLES: dict[str, Callable[[], list[Figure]]] = {
    "two_files": two_files,
    "two_files_by_t": two_files_by_t,
    "seeds": seeds,
    "two_files_of_numbers": two_files_of_numbers,
    "seeds_of_numbers": seeds_of_numbers,
}


if __name__ == "__main__":
    for name in sys.argv[1:] or list(TABLES):
        print(f"\n## {name}\n\n{(TABLES[name].__doc__ or '').splitlines()[0]}\n", flush=True)
        show(TABLES[name]())
