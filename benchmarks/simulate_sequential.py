"""Regenerates the tables of docs/statistics.md on sequential verdicts: error rates, examples used.

Run: python benchmarks/simulate_sequential.py

10,000 examples, looks every 256, 2,000 replicates, a margin of 2 points. Pairs differ on a stated
share of the examples under one condition, or are those of shipped checkpoints: the differences of
their examples, each a mean over six conditions, are drawn with weights `exp(t d)`, where t gives
the stated difference. All pairs take a quarter of an hour on one core.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from simulate_statistics import Figure, Floats, average, generator

from acn_eval.statistics.score import BoundedSample, root
from acn_eval.statistics.sequential import BLOCK, Bets, Split

N, REPLICATES, AT_ONCE, MARGIN, ALPHA = 10_000, 2000, 50, 0.02, 0.05
DIFFERENCES = (0, 1, 2, 3, 5, 10)  # points
SIDE, TIE = Split.of(ALPHA / 2), Split.of(ALPHA)
Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]

DISCORDANT = {"10 % discordant": 0.1, "20 % discordant": 0.2, "30 % discordant": 0.3}
# Examples by sixths of a difference, from -1 to 1: `acn-eval robustness` in fp32, seed 0.
MEASURED = {
    "CIFAR-10, ViT": (100, 263, 398, 679, 1056, 1695, 3651, 1090, 569, 304, 129, 52, 14),
    "digits, ViT": (0, 2, 0, 11, 26, 85, 178, 35, 13, 1, 0, 1, 0),
    "digits, Mixer": (0, 1, 0, 3, 10, 69, 194, 61, 10, 2, 2, 0, 0),
}
PAIRS = (*DISCORDANT, *MEASURED)


def population(pair: str, mean: float) -> tuple[Floats, Floats]:
    """Values of a difference and their shares, with a stated mean."""
    if pair in DISCORDANT:
        share = DISCORDANT[pair]
        values = np.array([-1.0, 0.0, 1.0])
        return values, np.array([(share - mean) / 2, 1 - share, (share + mean) / 2])
    values, counts = np.arange(-6, 7) / 6, np.array(MEASURED[pair], dtype=float)

    def tilted(t: float) -> Floats:
        weights = counts * np.exp(t * values)
        return np.asarray(weights / weights.sum())

    return values, tilted(root(lambda t: float(tilted(t) @ values) - mean, -60.0, 60.0))


def judged(differences: Floats, truth: float) -> dict[str, Floats | Flags]:
    """Judge rows of differences (replicates, n) as `found_after` does, all rows at once.

    Limits are not computed, but whether they leave out a value: bets reached it, or the final
    test rejects it. A test compares the verdicts with those of `found_after`.
    """
    n, bets = differences.shape[1], Bets(differences)

    def beaten(bound: float, split: Split, *, above: bool) -> Counts:
        at = bets.reached(bound, split.looks, above=above)
        return np.where(at > 0, at, n + 1)

    higher, lower = (beaten(0.0, SIDE, above=above) for above in (True, False))
    above, below = beaten(-MARGIN, TIE, above=True), beaten(MARGIN, TIE, above=False)
    missed = np.minimum(*(beaten(truth, SIDE, above=above) for above in (True, False)))
    first = np.minimum(np.minimum(higher, lower), np.maximum(above, below))
    shown = np.minimum(-(-first // BLOCK) * BLOCK, n)
    samples = [BoundedSample.of(row) for row in differences]
    z, z_low, z_high, z_true = (
        np.array([sample.z(bound) for sample in samples])
        for bound in (0.0, -MARGIN, MARGIN, truth)
    )
    last, side, tie = shown == n, ndtri(1 - SIDE.final), ndtri(1 - TIE.final)
    is_higher = (higher <= shown) | last & (z > side)
    is_lower = ~is_higher & ((lower <= shown) | last & (z < -side))
    within = (above <= shown) | last & (z_low > tie)
    within &= (below <= shown) | last & (z_high < -tie)
    return {
        "higher": is_higher,
        "lower": is_lower,
        "tie": ~is_higher & ~is_lower & within,
        "off 0 without a margin": (np.minimum(higher, lower) <= n) | (abs(z) > side),
        "off 0 with all examples": abs(z) > ndtri(1 - ALPHA / 2),
        "interval covers": (missed > shown) & ~(last & (abs(z_true) > side)),
        "covers at every look": missed > n,
        "estimate, points": 100 * differences.cumsum(axis=1)[np.arange(len(z)), shown - 1] / shown,
        "examples": shown,
    }


@cache
def figures(pair: str, replicates: int) -> tuple[Figure, ...]:
    """Return rates, mean estimates and median examples of a pair at every difference."""
    found: list[Figure] = []
    for points in DIFFERENCES:
        truth, rng = points / 100, generator("sequential", pair, points)
        values, shares = population(pair, truth)
        parts = [
            judged(rng.choice(values, (AT_ONCE, N), p=shares), truth)
            for _ in range(replicates // AT_ONCE)
        ]
        joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        setting, examples = f"{points} points", joined.pop("examples")
        found += [average(setting, N, name, own.tolist()) for name, own in joined.items()]
        found.append(median(setting, examples))
    return tuple(found)


def median(setting: str, examples: NDArray[np.generic]) -> Figure:
    """Return the median; its error is that of the order statistics, at least half a block."""
    middle, spread = len(examples) / 2, np.sqrt(len(examples)) / 2
    low, high = np.sort(examples)[[int(middle - spread), int(middle + spread)]]
    error = max(float(high - low), BLOCK) / 2
    return Figure(setting, N, "examples", float(np.median(examples)), len(examples), error)


HEADS = {
    "error rates": (
        "off 0 where nothing differs, no margin",
        "wrong direction",
        "tie at exactly 2 points",
        "interval covers",
        "limits hold at every look",
    ),
    "median examples, by the difference": (
        *("0 points", "1 point"),
        *(f"{points} points" for points in DIFFERENCES[2:]),
    ),
    "difference is off 0": (
        "2 points, all examples once",
        "2 points, sequential",
        "3 points, all examples once",
        "3 points, sequential",
        "mean estimate at 5 points",
    ),
}


def rows(pair: str, replicates: int = REPLICATES) -> tuple[str, ...]:
    """Return the row of a pair in each table of docs/statistics.md, worst rates in the first."""
    found = {(f.setting, f.method): f.value for f in figures(pair, replicates)}

    def at(method: str, points: int) -> float:
        return found[f"{points} points", method]

    covers = ("interval covers", "covers at every look")
    every = [[at(name, points) for points in DIFFERENCES] for name in covers]
    rates = at("off 0 without a margin", 0), max(at("lower", p) for p in DIFFERENCES[1:])
    errors = [*rates, at("tie", 2), *map(min, every)]
    price = [at(m, p) for p in (2, 3) for m in ("off 0 with all examples", "higher")]
    needed = [f"{at('examples', points):,.0f}" for points in DIFFERENCES]
    bias = f"{at('estimate, points', 5):.1f}"
    cells = ([*map(share, errors)], needed, [*map(share, price), bias])
    return tuple(f"| {pair} | {' | '.join(own)} |" for own in cells)


def share(value: float) -> str:
    return f"{value:.3f}".lstrip("0")


def main() -> None:
    found = [rows(pair) for pair in PAIRS]
    for (name, heads), own in zip(HEADS.items(), zip(*found, strict=True), strict=True):
        print(f"\n| {name} | {' | '.join(heads)} |\n| --- |{' ---: |' * len(heads)}")
        print("\n".join(own))
    largest = {}
    for figure in (figure for pair in PAIRS for figure in figures(pair, REPLICATES)):
        largest[figure.method] = max(figure.error, largest.get(figure.method, 0))
    print("\nLargest Monte Carlo standard errors:", largest)


if __name__ == "__main__":
    main()
