"""Regenerates the tables of docs/statistics.md on F1, Matthews' correlation and correlations.

Run: python benchmarks/simulate_metrics.py [table ...]

Figures come with their Monte Carlo standard error. A difference is covered where the test of the
true one does not reject; so where nothing differs, 1 - coverage is the size of the test.
"""

import math
import sys
from collections.abc import Callable, Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.stats import multivariate_normal, norm
from simulate_statistics import Figure, Floats, generator, rates, show

from acn_eval.statistics.correlation import pearson, spearman
from acn_eval.statistics.counts import f1, matthews
from acn_eval.statistics.design import ARCHITECTURES, CHECKPOINTS, Design, Pair
from acn_eval.statistics.influence import Measured

SIZES = (277, 872, 1043)  # development sets of RTE, SST-2 and CoLA
SEEDS = (3, 5)
Z95 = float(norm.ppf(0.975))
OF_CLASSES = {"Matthews": matthews, "F1": f1}
OF_NUMBERS = {"Pearson": pearson, "Spearman": spearman}


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


def effect(unit: str, sides: list[list[Measured]], *, scored: bool) -> Callable[[float], bool]:
    """Whether the test of a true difference does not reject it."""
    every = Measured.over_draws([[one] for side in sides for one in side])
    ours = len(sides[0])
    pair = Pair(every.values[:ours], every.values[ours:], every.support)
    found = Design(unit, scored=scored).difference(pair)
    return lambda truth: abs(found.z(truth)) < Z95


def two_files(
    replicates: int = 2000, tasks: tuple[str, ...] = (*TASKS,), sizes: tuple[int, ...] = SIZES
) -> list[Figure]:
    """Coverage of 95 % intervals of differences in F1 and Matthews' correlation, two files."""
    found = []
    for setting, n in product(tasks, sizes):
        shares, hits = cells(TASKS[setting]), {metric: [] for metric in OF_CLASSES}
        draws = generator(setting, n).multinomial(n, shares, replicates)
        for counts in draws:
            labels, *sides = (np.repeat(digit, counts) for digit in (LABEL, OURS, THEIRS))
            for metric, of in OF_CLASSES.items():
                measured = [[of(labels, side)] for side in sides]
                covers = effect(CHECKPOINTS, measured, scored=True)
                hits[metric].append(covers(truth_of_cells(metric, shares)))
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
    rng: np.random.Generator, task: Task, seeds: int, n: int, spread: float
) -> tuple[Floats, list[Floats]]:
    """Labels (n,) and the answers (seeds, n) of both sides; 60 % of a score is the example's."""
    labels, shared = (rng.random(n) < task.positive).astype(int), rng.normal(size=n)
    sides = []
    for side in (task.ours, task.theirs):
        place = rates_of(task, side, spread, rng.normal(size=(2, seeds)))
        noise = math.sqrt(0.6) * shared + math.sqrt(0.4) * rng.normal(size=(seeds, n))
        sides.append((place[1 - labels].T + noise > 0).astype(int))
    return labels, sides


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
        truths = {metric: truth_of_seeds(metric, task, width) for metric in OF_CLASSES}
        hits: dict[str, list[bool]] = {metric: [] for metric in OF_CLASSES}
        for _ in range(replicates):
            labels, sides = answers_of_seeds(rng, task, count, n, width)
            for metric, of in OF_CLASSES.items():
                measured = [[of(labels, one) for one in side] for side in sides]
                covers = effect(ARCHITECTURES, measured, scored=True)
                hits[metric].append(covers(truths[metric]))
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


def numbers(rng: np.random.Generator, n: int, setting: str) -> tuple[Floats, list[Floats]]:
    """Targets (n,) and predictions (n,) of both sides, half of whose noise is shared."""
    *correlations, kind = NUMBERS[setting]
    heavy = kind == "heavy"
    targets = rng.standard_t(5, n) * math.sqrt(0.6) if heavy else rng.normal(size=n)
    shared, sides = rng.normal(size=n), []
    for r in correlations:
        noise = (shared + rng.normal(size=n)) / math.sqrt(2)
        if heavy:
            noise *= np.sqrt(3 / rng.chisquare(5, n))
        elif kind == "growing":
            noise *= np.exp(targets / 2 - 0.25)
        sides.append(r * targets + math.sqrt(1 - r**2) * noise)
    if kind == "rated":
        targets, *sides = (np.clip(2.6 + 1.5 * x, 0, 5) for x in (targets, *sides))
        targets = np.round(5 * targets) / 5
    return targets, sides


def two_files_of_numbers(
    replicates: int = 2000, settings: tuple[str, ...] = (*NUMBERS,)
) -> list[Figure]:
    """Coverage of 95 % intervals of differences in correlation, two files."""
    found = []
    for setting in settings:
        targets, sides = numbers(generator("truth", setting), 2_000_000, setting)
        truths = {
            metric: float(np.subtract(*(of(side, targets).values.mean() for side in sides)))
            for metric, of in OF_NUMBERS.items()
        }
        for n in SIZES:
            rng, hits = generator(setting, n), {metric: [] for metric in OF_NUMBERS}
            for _ in range(replicates):
                targets, sides = numbers(rng, n, setting)
                for metric, of in OF_NUMBERS.items():
                    measured = [[of(side, targets)] for side in sides]
                    covers = effect(CHECKPOINTS, measured, scored=False)
                    hits[metric].append(covers(truths[metric]))
            found += rates(setting, n, hits)
    return found


OF_NUMBER_SEEDS = {".80 against .80": (0.8, 0.8), ".90 against .85": (0.9, 0.85), "0": (0.0, 0.0)}


def seeds_of_numbers(replicates: int = 2000, sizes: tuple[int, ...] = SIZES) -> list[Figure]:
    """The same with 3 and 5 seeds a side; normal, seeds vary by .1 in Fisher's z."""
    found = []
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    for (name, both), count, n in product(OF_NUMBER_SEEDS.items(), SEEDS, sizes):
        setting = f"{name}; {count} seeds"
        every = [np.tanh(np.arctanh(r) + 0.1 * nodes) for r in both]
        truths = {
            "Pearson": float(weights @ (every[0] - every[1]) / weights.sum()),
            "Spearman": float(
                weights
                @ np.subtract(*(6 / math.pi * np.arcsin(r / 2) for r in every))
                / weights.sum()
            ),
        }
        rng, hits = generator(setting, n), {metric: [] for metric in OF_NUMBERS}
        for _ in range(replicates):
            targets, shared = rng.normal(size=(2, n))
            sides = []
            for r in both:
                own = np.tanh(np.arctanh(r) + 0.1 * rng.normal(size=(count, 1)))
                noise = (shared + rng.normal(size=(count, n))) / math.sqrt(2)
                sides.append(own * targets + np.sqrt(1 - own**2) * noise)
            for metric, of in OF_NUMBERS.items():
                measured = [[of(one, targets) for one in side] for side in sides]
                covers = effect(ARCHITECTURES, measured, scored=False)
                hits[metric].append(covers(truths[metric]))
        found += rates(setting, n, hits)
    return found


TABLES: dict[str, Callable[[], list[Figure]]] = {
    "two_files": two_files,
    "seeds": seeds,
    "two_files_of_numbers": two_files_of_numbers,
    "seeds_of_numbers": seeds_of_numbers,
}


if __name__ == "__main__":
    for name in sys.argv[1:] or list(TABLES):
        print(f"\n## {name}\n\n{(TABLES[name].__doc__ or '').splitlines()[0]}\n", flush=True)
        show(TABLES[name]())
