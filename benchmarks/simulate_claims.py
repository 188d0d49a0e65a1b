"""Regenerates the tables of docs/statistics.md on claims: when seeds are pairs, what is a tie.

Run: python benchmarks/simulate_claims.py

Figures come with their Monte Carlo standard error.
"""

import math

import numpy as np
from scipy.stats import norm
from simulate_statistics import Figure, Floats, average, generator, rates, show

from acn_eval.statistics import crossed

N, SEEDS = 360, 5
CORRELATIONS = (-0.25, 0.0, 0.31, 0.6)
SPREAD = 0.4  # of seeds, in probits; of images it is 1


def seeds_that_correlate(
    rng: np.random.Generator, correlation: float
) -> tuple[Floats, Floats, float]:
    """Outcomes (SEEDS, N) of both sides from a probit model, and the true difference."""
    own = SPREAD * rng.normal(size=(2, SEEDS))
    own[1] = correlation * own[0] + math.sqrt(1 - correlation**2) * own[1]
    levels, images = np.array([1.05, 0.9]), rng.normal(size=N)
    latent = levels[:, None, None] + images + own[:, :, None]
    left, right = (latent + rng.normal(size=latent.shape) > 0).astype(float)
    truth = norm.cdf(levels / math.sqrt(2 + SPREAD**2))
    return left, right, float(truth[0] - truth[1])


def pairing(replicates: int = 2000) -> list[Figure]:
    """Seeds as pairs and as independent samples, by how much both sides' seeds correlate."""
    found = []
    for correlation in CORRELATIONS:
        rng, setting = generator("pairing", correlation), f"seeds correlate at {correlation:g}"
        draws = [seeds_that_correlate(rng, correlation) for _ in range(replicates)]
        hits: dict[str, list[bool]] = {}
        for method in ("pairs", "Welch"):
            intervals = [
                (crossed(a - b) if method == "pairs" else crossed(a, -b)).interval()
                for a, b, _ in draws
            ]
            hits[f"{method} cover"] = [
                low <= truth <= high
                for (low, high), (*_, truth) in zip(intervals, draws, strict=True)
            ]
            widths = [50 * (high - low) for low, high in intervals]
            found.append(average(setting, N, f"{method}: half width, points", widths))
        found += rates(setting, N, hits)
    return found


if __name__ == "__main__":
    for table in (pairing,):
        print(f"\n## {table.__name__}\n\n{(table.__doc__ or '').splitlines()[0]}\n")
        show(table())
