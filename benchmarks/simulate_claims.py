"""Regenerates the tables of docs/statistics.md on claims: when seeds are pairs, what is a tie.

Run: python benchmarks/simulate_claims.py

Figures come with their Monte Carlo standard error.
"""

import math
from functools import cache
from itertools import product

import numpy as np
from scipy.stats import norm
from simulate_statistics import Figure, Floats, average, generator, rates, show

from acn_eval.statistics import Estimate, Finding
from acn_eval.statistics.architectures import crossed, seeds_only
from acn_eval.statistics.claims import Case, Sample, trade_claim
from acn_eval.statistics.equivalence import CONFIDENCE, Equivalence
from acn_eval.statistics.score import BoundedSample, Interval
from acn_eval.studies.table import analysis_of

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


MARGIN = 0.02
TRUTHS = {"no difference": 0.0, "half the margin": 0.01, "exactly the margin": 0.02}
SIZES = {"n = 360": 360, "n = 2,000": 2000, "n = 10,000": 10_000}


def ties(replicates: int = 4000) -> list[Figure]:
    """How often a difference of two files is called a tie within 2 points, 6 % discordant."""
    found = []
    for (truth, gap), (size, n) in product(TRUTHS.items(), SIZES.items()):
        rng = generator("ties", truth, size)
        shares = (0.03 + gap / 2, 0.03 - gap / 2, 0.94)
        limits = [interval_of(*counts) for counts in rng.multinomial(n, shares, replicates)]
        tie = [Equivalence(MARGIN, *ninety).shown for ninety, _ in limits]
        open_ = [low <= 0 <= high for _, (low, high) in limits]
        hits = {"tie": tie, "limits contain 0": open_}
        found += rates(truth, n, hits)
    return found


@cache
def interval_of(gains: int, losses: int, same: int) -> tuple[Interval, Interval]:
    """Limits at 90 % and at 95 %."""
    counts = np.array([losses, same, gains])
    sample = BoundedSample(np.array([-1.0, 0.0, 1.0]), counts, (-1.0, 1.0))
    return sample.interval(CONFIDENCE), sample.interval()


LEARNERS = {  # true differences in forgetting and in learning, in points
    "neither differs": (0.0, 0.0),
    "forgets less because it learned less": (-5.0, -5.0),
    "forgets less, learns one margin less": (-5.0, -2.0),
    "forgets less, learns alike": (-5.0, 0.0),
}
WORDS = analysis_of({"kind": "continual"}).endpoint_of({"equivalence_margin": MARGIN})


def forgetting(replicates: int = 4000) -> list[Figure]:
    """What is said of forgetting beside learning, five seeds a side, 1.5 and 1 points a seed."""
    found = []
    for setting, (forgotten, learned) in LEARNERS.items():
        rng = generator("forgetting", setting)
        said = [
            trade_claim(CASE, seen(rng, forgotten, 1.5), seen(rng, learned, 1.0))
            for _ in range(replicates)
        ]
        for verdict in ("better", "depends", "tie"):
            hits = {verdict: [claim.verdict == verdict for claim in said]}
            found += rates(setting, SEEDS, hits)
    return found


CASE = Case(("ours", "theirs"), WORDS, Sample(0, SEEDS))


def seen(rng: np.random.Generator, truth: float, spread: float) -> Finding:
    """A difference in points between five seeds a side."""
    left, right = (
        truth + spread * rng.normal(size=(SEEDS, 1)),
        spread * rng.normal(size=(SEEDS, 1)),
    )
    effect = seeds_only(left, -right)
    value = Estimate(effect.value, *effect.interval())
    return Finding("", "%", value, value, value, limits_90=tuple(effect.interval(CONFIDENCE)))


if __name__ == "__main__":
    for table in (pairing, ties, forgetting):
        print(f"\n## {table.__name__}\n\n{(table.__doc__ or '').splitlines()[0]}\n")
        show(table())
