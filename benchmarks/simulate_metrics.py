"""Regenerates the tables of docs/statistics.md on F1 and Matthews' correlation.

Run: python benchmarks/simulate_metrics.py [table ...]

Figures come with their Monte Carlo standard error. A difference is covered where the test of the
true one does not reject; so where nothing differs, 1 - coverage is the size of the test. Seeds are
judged for many replicates at once; the tests compare them with the package.
"""

import math
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit
from scipy.stats import multivariate_normal, norm
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


def crossed_covers(
    ours: Floats, theirs: Floats, truth: float, *, of_seeds: bool = False
) -> list[bool]:
    """Whether `crossed` of (seeds, n) covers, for every replicate of (replicates, seeds, n).

    `of_seeds` takes the degrees of freedom of the seeds alone, Welch's, which is not what it does.
    """
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
    if of_seeds:
        most = np.full_like(variance, 2 * (count - 1))
        df = np.divide(parts**2, spread, out=most, where=spread > 0)[whole]
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
    covered: Callable[[Floats, Floats, float], list[bool]] = crossed_covers,
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
                hits[metric] += covered(*values, truth)
        found += rates(name, n, hits)
    return found


def seeds_by_their_df(replicates: int = 2000) -> list[Figure]:
    """The same with the degrees of freedom of the seeds alone, which are not used."""
    return seeds(replicates, covered=partial(crossed_covers, of_seeds=True))


TABLES: dict[str, Callable[[], list[Figure]]] = {
    "two_files": two_files,
    "two_files_by_t": two_files_by_t,
    "seeds": seeds,
    "seeds_by_their_df": seeds_by_their_df,
}


if __name__ == "__main__":
    for name in sys.argv[1:] or list(TABLES):
        print(f"\n## {name}\n\n{(TABLES[name].__doc__ or '').splitlines()[0]}\n", flush=True)
        show(TABLES[name]())
