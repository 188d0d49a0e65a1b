"""Regenerates the tables of docs/statistics.md on far tails: how often a gate fails wrongly.

Run: python benchmarks/simulate_tails.py [table ...]

One rule is enumerated over every number of gains and losses; gates of eight rules and bands of
seven conditions are simulated. Both need p for very many samples, so the tests of
acn_eval.statistics are evaluated for all of them at once here; the tests compare them with
`BoundedSample`.
"""

import math
import sys
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import binom, multinomial, norm
from simulate_gate import discordant
from simulate_statistics import Figure, generator, show

Floats = NDArray[np.float64]
SIGNS = np.array([-1.0, 0.0, 1.0])
SIXTHS = np.arange(-6, 7) / 6
ALPHAS = {"alone": 0.05, "first of 8": 0.05 / 8}
BASES, CORRELATIONS = (0.9, 0.95, 0.99, 0.999), (0.0, 0.5, 0.8, 0.95)
MARGINS, SIZES = (0.01, 0.02, 0.03, 0.05), (100, 352, 1000, 10_000)


def fitted(values: Floats, counts: Floats, delta: float) -> tuple[Floats, Floats, Floats]:
    """Z, standard error and skewness of `BoundedSample` for counts (samples, values)."""
    n = counts.sum(axis=1)
    gap = counts @ values / n - delta
    reach = np.where(gap > 0, -1.0, 1.0) - delta
    ratios = (values - delta) / reach[:, None]

    def slope(tilt: Floats) -> Floats:
        t = tilt[:, None]
        return np.asarray((counts * ratios * ((1 - t) / (1 - t * ratios))).sum(axis=1))

    low, high = np.zeros(len(n)), np.full(len(n), 1 - 1e-12)
    whole = slope(high) <= 0
    for _ in range(48):
        middle = (low + high) / 2
        beyond = slope(middle) > 0
        low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
    tilt = np.where(whole, 1.0, middle)
    z = np.sign(gap) * np.sqrt(np.maximum(-n * tilt * gap / reach, 0.0))
    weights = counts / (n[:, None] * np.maximum(1 - tilt[:, None] * ratios, 1e-300))
    rest = 1 - weights.sum(axis=1)
    second, third = ((weights * ratios**k).sum(axis=1) + rest for k in (2, 3))
    return z, np.abs(reach) * np.sqrt(second / n), -third / (second**1.5 * np.sqrt(n))


def steps(values: Floats, counts: Floats) -> Floats:
    """`BoundedSample.step` of differences."""
    n = counts.sum(axis=1)
    far = values - (counts @ values / n)[:, None]
    second, third = ((counts * far**k).sum(axis=1) / n for k in (2, 3))
    return np.asarray(np.abs(third) / np.maximum(second, 1e-300))


def skewed(z: Floats, half: Floats, skewness: Floats) -> Floats:
    """`BoundedSample.skewed_z`, half a step given in standard errors."""
    lean, x = np.maximum(skewness, 1e-9), np.maximum(np.abs(z) - half, 0.0)
    tail = 6 / lean * np.expm1(np.log1p(lean * x / 2) / 3) + lean / 6
    return np.asarray(np.sign(z) * np.minimum(tail, np.abs(z)))


def p_fail(values: Floats, counts: Floats, bound: float) -> dict[str, Floats]:
    """P of "not below the bound" by the score test alone, and by `p_below`."""
    z, error, skewness = fitted(values, counts, bound)
    half = steps(values, counts) / (2 * counts.sum(axis=1) * error)
    return {"score alone": ndtr(z), "used": ndtr(skewed(z, half, skewness))}


# One rule -------------------------------------------------------------------------------------


def settings(n: int) -> Iterator[tuple[str, float, tuple[float, float]]]:
    for margin, base, correlation in product(MARGINS, BASES, CORRELATIONS):
        if n < 10_000 or correlation >= 0.8:
            name = f"{base:.1%} right, correlation {correlation:g}, margin {100 * margin:g}"
            gain, loss = discordant(base, base - margin, correlation)
            yield name, margin, (max(gain, 0.0), loss)


def outcomes(n: int, gain: float, loss: float) -> tuple[Floats, Floats]:
    """Counts of every sample that matters, and their probabilities."""
    ranges = [
        np.arange(int(binom.ppf(1e-8, n, share)), int(binom.ppf(1 - 1e-8, n, share)) + 1)
        for share in (gain, loss)
    ]
    gains, losses = (grid.ravel() for grid in np.meshgrid(*ranges))
    kept = gains + losses <= n
    counts = np.stack([losses, n - gains - losses, gains], axis=1)[kept]
    weights = multinomial.pmf(counts, n, [loss, 1 - gain - loss, gain])
    return counts[weights > 1e-10].astype(np.float64), weights[weights > 1e-10]


def false_fail(sizes: tuple[int, ...] = SIZES) -> list[Figure]:
    """Enumerated: how often a rule fails that the truth just misses, over its nominal rate."""
    found = []
    for n in sizes:
        for setting, margin, rates in settings(n):
            counts, weights = outcomes(n, *rates)
            for method, p in p_fail(SIGNS, counts, -margin).items():
                found += [
                    Figure(f"{setting}, {level}", n, method, float(weights[p < a].sum()) / a)
                    for level, a in ALPHAS.items()
                ]
    return found


def power(sizes: tuple[int, ...] = SIZES) -> list[Figure]:
    """Enumerated: power lost against the score test alone where that one holds its level.

    The truth is 1.7 (alone) or 2.5 (first of 8) standard errors below the margin. Settings with
    fewer than ten losses to be expected are left out: whether the score test holds its level is
    an accident there, because one loss more or less multiplies it.
    """
    found = []
    for n in sizes:
        for setting, margin, (gain, loss) in settings(n):
            held = p_fail(SIGNS, (null := outcomes(n, gain, loss))[0], -margin)["score alone"]
            for (level, a), shift in zip(ALPHAS.items(), (1.7, 2.5), strict=True):
                worse = loss + shift * math.sqrt((gain + loss) / n)
                if n * loss < 10 or null[1][held < a].sum() > a or gain + worse > 0.9:
                    continue
                counts, weights = outcomes(n, gain, worse)
                alone, used = (
                    float(weights[p < a].sum()) for p in p_fail(SIGNS, counts, -margin).values()
                )
                found.append(Figure(f"{setting}, {level}", n, "power lost", alone - used))
    return found


# Whole gates and bands ------------------------------------------------------------------------

GATES = {  # n, accuracy, margin, correlation of the sides, that of the conditions
    "352 images, 97 % right, margin 3, correlation .95": (352, 0.97, 0.03, 0.95, 0.2),
    "352 images, 99.9 % right, margin 3, correlation .95": (352, 0.999, 0.03, 0.95, 0.2),
    "352 images, 95 % right, margin 3, correlation .5": (352, 0.95, 0.03, 0.5, 0.2),
    "100 images, 90 % right, margin 5, correlation .5": (100, 0.9, 0.05, 0.5, 0.8),
    "1,000 images, 99 % right, margin 2, correlation .95": (1000, 0.99, 0.02, 0.95, 0.5),
    "1,000 images, 90 % right, margin 3, correlation .8": (1000, 0.9, 0.03, 0.8, 0.5),
}


def differences(
    rng: np.random.Generator, many: int, truth: tuple[int, float, float, float, float]
) -> NDArray[np.int8]:
    """Outcomes (many, 7 conditions, n) of a candidate that is exactly the margin worse."""
    n, base, margin, sides, conditions = truth
    shape = (many, 7, n)
    image = rng.standard_normal((many, 1, n), dtype=np.float32)
    own = rng.standard_normal(shape, dtype=np.float32)
    common = math.sqrt(conditions) * image + math.sqrt(1 - conditions) * own
    right = [
        math.sqrt(sides) * common
        + math.sqrt(1 - sides) * rng.standard_normal(shape, dtype=np.float32)
        < np.float32(norm.ppf(share))
        for share in (base - margin, base)
    ]
    return right[0].astype(np.int8) - right[1].astype(np.int8)


def counted(d: NDArray[np.integer], values: range) -> Floats:
    return np.stack([(d == v).sum(axis=-1) for v in values], axis=-1).astype(np.float64)


def draws(name: str, replicates: int) -> Iterator[NDArray[np.int8]]:
    """Batches of `differences`, small enough for the memory."""
    truth, rng = GATES[name], generator("tails", name)
    most = max(1, 1_500_000 // (7 * truth[0]))
    for first in range(0, replicates, most):
        yield differences(rng, min(most, replicates - first), truth)


def share(setting: str, n: int, method: str, hits: list[NDArray[np.bool_]]) -> Figure:
    hit = np.concatenate(hits)
    value = float(hit.mean())
    return Figure(setting, n, method, value, len(hit), math.sqrt(value * (1 - value) / len(hit)))


def eight_rules(replicates: int = 40_000) -> list[Figure]:
    """How often a gate fails whose eight rules all lie exactly at the margin (nominal 5 %)."""
    found = []
    for name, (n, _, margin, *_) in GATES.items():
        hits: dict[str, list[NDArray[np.bool_]]] = {}
        for d in draws(name, replicates):
            cells = p_fail(SIGNS, counted(d, range(-1, 2)).reshape(-1, 3), -margin)
            corrupted = d[:, 1:].sum(axis=1, dtype=np.int64)
            primary = p_fail(SIXTHS, counted(corrupted, range(-6, 7)), -margin)
            for method in cells:
                smallest = np.minimum(cells[method].reshape(-1, 7).min(axis=1), primary[method])
                hits.setdefault(method, []).append(smallest < 0.05 / 8)
        found += [share(name, n, method, hit) for method, hit in hits.items()]
    return found


def seven_bands(replicates: int = 40_000) -> list[Figure]:
    """How often some band of seven conditions misses the truth (nominal 5 %)."""
    found, critical = [], -float(ndtri(0.05 / 14))
    for name, (n, _, margin, *_) in GATES.items():
        hits: dict[str, list[NDArray[np.bool_]]] = {}
        for d in draws(name, replicates):
            counts = counted(d, range(-1, 2)).reshape(-1, 3)
            z, _, skewness = fitted(SIGNS, counts, -margin)
            corrected = skewed(z, np.maximum(skewness, 0.0) / 2, skewness)
            for method, value in {"score alone": z, "used": corrected}.items():
                missed = (np.abs(value) > critical).reshape(-1, 7).any(axis=1)
                hits.setdefault(method, []).append(missed)
        found += [share(name, n, method, hit) for method, hit in hits.items()]
    return found


TABLES: dict[str, Callable[[], list[Figure]]] = {
    "false_fail": false_fail,
    "power": power,
    "eight_rules": eight_rules,
    "seven_bands": seven_bands,
}


if __name__ == "__main__":
    for table in sys.argv[1:] or TABLES:
        print(f"\n## {table}\n\n{TABLES[table].__doc__}\n")
        show(TABLES[table]())
