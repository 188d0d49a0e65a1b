"""Regenerates the tables of docs/statistics.md on depth: how often the limits of a cut hold.

Run: python benchmarks/simulate_depth.py [depth] [seeds]

Exits are right on shares of images that are known, so the cut is known too; how much the exits
agree is a setting. Figures come with their Monte Carlo standard error.
"""

import math
import sys
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from simulate_statistics import Figure, generator, rates, score_z, show

from acn_eval.statistics.architectures import Student
from acn_eval.studies.compression.depth import cut_depth, over_seeds

N, TOLERANCE = 360, 0.02
CRITICAL = float(norm.ppf(0.975))
SHAPES = {  # true accuracy of exits 0 .. 8
    "early: one exit is enough": (0.1, 0.97, *[0.97] * 7),
    "rising slowly": (0.1, 0.6, 0.8, 0.88, 0.92, 0.94, 0.955, 0.965, 0.97),
    "a plateau just outside the tolerance": (0.1, 0.6, *[0.949] * 6, 0.97),
    "a plateau exactly at the tolerance": (0.1, 0.6, *[0.95] * 6, 0.97),
    "a plateau well inside": (0.1, 0.6, *[0.965] * 6, 0.97),
    "a dip behind a good exit": (0.1, 0.97, 0.97, 0.949, *[0.97] * 5),
    "the last exit is worst": (0.1, 0.97, 0.97, 0.97, 0.97, 0.96, 0.95, 0.94, 0.93),
}
AGREEMENT = {"exits mostly agree": 0.9, "exits agree on half": 0.5}


def true_cut(shares: tuple[float, ...]) -> int:
    within = [share >= shares[-1] - TOLERANCE - 1e-12 for share in shares]
    return next(k for k in range(len(shares)) if all(within[k:]))


def answers(
    shares: tuple[float, ...], agreement: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return correctness (exits, N); an image is as hard for all exits in a share of cases."""
    own = rng.random((len(shares), N))
    hardness = np.where(rng.random(own.shape) < agreement, rng.random(N), own)
    return (hardness < np.array(shares)[:, None]).astype(np.float64)


def smallest_passing(correct: NDArray[np.float64]) -> int:
    """The tempting estimate: the first exit that passes its own test, others not asked."""
    last = correct[-1]
    for k, own in enumerate(correct[:-1]):
        gains, losses = int((own > last).sum()), int((own < last).sum())
        if score_z(gains, losses, N, -TOLERANCE) > CRITICAL:
            return k
    return len(correct) - 1


def depth(replicates: int = 2000) -> list[Figure]:
    """How often the limits hold, and how often the smallest passing exit is too early."""
    found = []
    for (shape, shares), (company, agreement) in product(SHAPES.items(), AGREEMENT.items()):
        rng, true = generator("depth", shape, company), true_cut(shares)
        draws = [answers(shares, agreement, rng) for _ in range(replicates)]
        cuts = [cut_depth(draw, TOLERANCE) for draw in draws]
        hits = {
            "interval covers": [cut.low <= true <= cut.high for cut in cuts],
            "upper limit too early": [cut.high < true for cut in cuts],
            "smallest passing exit too early": [smallest_passing(d) < true for d in draws],
            "plug-in too early": [cut.estimate < true for cut in cuts],
        }
        found += rates(f"{shape}, {company}", N, hits)
    return found


def scatter(blocks: int) -> dict[str, NDArray[np.float64]]:
    """How cuts of training seeds fall on 0 .. blocks: probabilities, by name."""
    k = np.arange(blocks + 1)
    found = {}
    for share in (0.05, 0.2, 0.35, 0.5):
        found[f"one of {1 / share:.3g} seeds needs a block more"] = (1 - share) * (k == 2) + (
            share * (k == 3)
        )
    for center, sd in product((2.0, 2.5, blocks / 2, blocks - 1.0), (0.3, 0.7, 1.0, 1.5)):
        edges = norm.cdf((np.append(k, blocks + 1) - 0.5 - center) / sd)
        edges[0], edges[-1] = 0.0, 1.0
        found[f"rounded normal around {center:g}, sd {sd:g}"] = np.diff(edges)
    found["one of 5 seeds needs two blocks more"] = 0.8 * (k == 2) + 0.2 * (k == 4)
    skewed = 0.5 ** (k + 1)
    found["halved with every block"] = skewed / skewed.sum()
    return found


def seeds(replicates: int = 4000) -> list[Figure]:
    """Coverage of intervals for the mean cut over seeds, and for the difference of two sides.

    Beside it what Student's t covers that takes seeds which agree to be right to 1 / 12 block
    squared, with the normal quantile.
    """
    found = []
    for blocks, count in product((8, 12), (3, 5)):
        for name, shares in scatter(blocks).items():
            rng, true = (
                generator("seeds", blocks, count, name),
                float(shares @ np.arange(len(shares))),
            )
            cuts = rng.choice(blocks + 1, (replicates, 3, count), p=shares).astype(np.float64)
            hits = {
                "interval covers": [holds(over_seeds(1, c[0]), true) for c in cuts],
                "difference covers": [holds(over_seeds(1, c[0], -c[1]), 0.0) for c in cuts],
                "of twins covers": [holds(over_seeds(1, c[0] - c[1]), 0.0) for c in cuts],
                "rounding covers": [holds(rounded(c[0]), true) for c in cuts],
            }
            found += rates(f"{name}; {count} seeds of {blocks} blocks", count, hits)
    return found


def holds(effect: Student, true: float) -> bool:
    low, high = effect.interval()
    return low - 1e-9 <= true <= high + 1e-9


def rounded(cuts: NDArray[np.float64]) -> Student:
    variance = float(np.var(cuts, ddof=1)) / len(cuts)
    df = len(cuts) - 1 if variance else math.inf
    return Student(float(cuts.mean()), max(variance, 1 / 12 / len(cuts)), df)


if __name__ == "__main__":
    for name in sys.argv[1:] or ("depth", "seeds"):
        show({"depth": depth, "seeds": seeds}[name]())
