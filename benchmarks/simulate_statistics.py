"""Regenerates the tables of docs/statistics.md: coverage and error rates of what is computed.

Run: python benchmarks/simulate_statistics.py [table ...]

Every function simulates or enumerates one table with the code of acn_eval.statistics, and
returns figures with their Monte Carlo standard error (0 where nothing was drawn).
"""

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, multinomial, norm
from scipy.stats import t as student

from acn_eval.seeds import seed_for
from acn_eval.statistics.architectures import crossed
from acn_eval.statistics.design import CHECKPOINTS, Design, Pair
from acn_eval.statistics.multiplicity import band_confidence, undecidable
from acn_eval.statistics.power import mde_examples
from acn_eval.statistics.scales import logit_difference
from acn_eval.statistics.score import BoundedSample

SIZES = (360, 10_000)
Z95 = float(norm.ppf(0.975))
Z90 = float(norm.ppf(0.95))
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """One number: where it holds, what it is, and how sure it is."""

    setting: str
    n: int
    method: str
    value: float
    replicates: int = 0
    error: float = 0.0


def rates(setting: str, n: int, hits: dict[str, list[bool]]) -> list[Figure]:
    return [average(setting, n, name, hit) for name, hit in hits.items()]


def average(setting: str, n: int, method: str, draws: Sequence[float]) -> Figure:
    """Return the mean of draws; no error is smaller than one draw."""
    error = max(float(np.std(draws)), 1 / math.sqrt(len(draws))) / math.sqrt(len(draws))
    return Figure(setting, n, method, float(np.mean(draws)), len(draws), error)


def generator(*names: object) -> np.random.Generator:
    return np.random.default_rng(seed_for("simulate_statistics", *names))


@cache
def score_z(gains: int, losses: int, n: int, delta: float) -> float:
    counts = np.array([losses, n - gains - losses, gains])
    return BoundedSample(np.array([-1.0, 0.0, 1.0]), counts, (-1.0, 1.0)).z(delta)


def wald_z(values: Floats, delta: float) -> float:
    spread, gap = float(values.std(ddof=1)), float(values.mean()) - delta
    if spread == 0:
        return math.copysign(math.inf, gap) if gap else 0.0
    return gap / (spread / math.sqrt(len(values)))


# Two checkpoints ------------------------------------------------------------------------------

RATES = {  # shares of images that only the candidate, or only the baseline, gets right
    "no difference, 6 % discordant": (0.03, 0.03),
    "+2 points, 6 % discordant": (0.04, 0.02),
    "no difference, 30 % discordant": (0.15, 0.15),
    "ceiling: -0.5 points, 0.9 % discordant": (0.002, 0.007),
    "losses only: -1 point": (0.0, 0.01),
    "no difference, 1 % discordant": (0.005, 0.005),
}


def coverage_of_two_files(replicates: int = 20_000) -> list[Figure]:
    """Coverage of 95 % intervals for 0 / 1 outcomes of two checkpoints."""
    found = []
    for (setting, (gain, loss)), n in product(RATES.items(), SIZES):
        draws = generator(setting, n).multinomial(n, [gain, loss, 1 - gain - loss], replicates)
        hits: dict[str, list[bool]] = {"score": [], "Wald": []}
        for gains, losses, _ in draws.tolist():
            hits["score"].append(abs(score_z(gains, losses, n, gain - loss)) < Z95)
            mean, squares = (gains - losses) / n, (gains + losses) / n
            half = Z95 * math.sqrt((squares - mean**2) / (n - 1))
            hits["Wald"].append(abs(mean - gain + loss) < half)
        found += rates(setting, n, hits)
    return found


def false_pass() -> list[Figure]:
    """Enumerated: how often a limit clears a margin that the truth just misses (nominal 5 %)."""
    found = []
    for n, margin in ((360, 0.01), (10_000, 0.01)):
        for gain in (0.0, 0.0025, 0.01):
            loss = margin + gain
            totals = dict.fromkeys(("score", "Wald", "percentile bootstrap"), 0.0)
            for gains, losses, weight in outcomes(n, gain, loss):
                totals["score"] += weight * (score_z(gains, losses, n, -margin) > Z90)
                mean = (gains - losses) / n
                half = Z90 * math.sqrt(((gains + losses) / n - mean**2) / (n - 1))
                totals["Wald"] += weight * (mean - half > -margin)
                if gain == 0:
                    low = -binom.ppf(0.95, n, losses / n) / n if losses else 0.0
                    totals["percentile bootstrap"] += weight * (low > -margin)
            if gain:
                del totals["percentile bootstrap"]
            name = f"{100 * loss:g} % losses, {100 * gain:g} % gains, margin {100 * margin:g}"
            found += [Figure(name, n, method, value) for method, value in totals.items()]
    return found


def outcomes(n: int, gain: float, loss: float) -> Iterator[tuple[int, int, float]]:
    """Every (gains, losses) with a probability that matters."""
    gains = range(int(binom.ppf(1 - 1e-7, n, gain)) + 1)
    losses = range(int(binom.ppf(1e-7, n, loss)), int(binom.ppf(1 - 1e-7, n, loss)) + 1)
    grid = np.array([(g, k, n - g - k) for g, k in product(gains, losses)])
    weights = multinomial.pmf(grid, n, [gain, loss, 1 - gain - loss])
    for (g, k, _), weight in zip(grid.tolist(), weights.tolist(), strict=True):
        yield g, k, weight


def mcnemar_sizes() -> list[Figure]:
    """Enumerated size at a nominal 5 %: what exact tests do where few images are discordant."""
    found = []
    for n, discordance in ((360, 0.01), (360, 0.06), (10_000, 0.01)):
        totals = dict.fromkeys(("score", "exact", "mid-p"), 0.0)
        for m in range(int(binom.ppf(1 - 1e-9, n, discordance)) + 1):
            weights = binom.pmf(m, n, discordance) * binom.pmf(np.arange(m + 1), m, 0.5)
            exact, mid = mcnemar_p(m)
            score = np.array([abs(score_z(g, m - g, n, 0.0)) > Z95 for g in range(m + 1)])
            totals["score"] += float(weights[score].sum())
            totals["exact"] += float(weights[exact < 0.05].sum())
            totals["mid-p"] += float(weights[mid < 0.05].sum())
        setting = f"{100 * discordance:g} % discordant"
        found += [Figure(setting, n, method, value) for method, value in totals.items()]
    return found


def mcnemar_p(m: int) -> tuple[Floats, Floats]:
    """Exact and mid-p McNemar for every number of gains among m discordant images."""
    gains = np.arange(m + 1)
    extreme = np.minimum(gains, m - gains)
    exact = np.minimum(2 * binom.cdf(extreme, m, 0.5), 1.0)
    return exact, 2 * binom.cdf(extreme, m, 0.5) - binom.pmf(extreme, m, 0.5)


def repeats(replicates: int = 4000) -> list[Figure]:
    """Coverage for noise in expectation: 1 draw, 20 draws averaged, 20 draws pooled.

    Probabilities of being right are Beta(7.7, 1.9) per image and side: images explain 9 % of
    the variance of one draw's difference.
    """
    found = []
    for n, rounds in ((360, replicates), (10_000, replicates // 8)):
        rng, hits = generator("repeats", n), {"one draw": [], "averaged": [], "pooled": []}
        for _ in range(rounds):
            right = rng.beta(7.7, 1.9, (2, n))
            draws = [rng.binomial(20, share) for share in right]
            one = np.subtract(*[(rng.random(n) < share).astype(float) for share in right])
            mean = (draws[0] - draws[1]) / 20
            hits["one draw"].append(abs(BoundedSample.of(one).z(0.0)) < Z95)
            hits["averaged"].append(abs(BoundedSample.of(mean).z(0.0)) < Z95)
            hits["pooled"].append(abs(pooled_z(draws, n)) < Z95)
        found += rates("20 repeats", n, hits)
    return found


def pooled_z(draws: list[NDArray[np.int64]], n: int) -> float:
    """Z if each of the 20 n draws were an image; sides are independent given the image."""
    shares = [float(d.sum()) / (20 * n) for d in draws]
    variance = sum(share * (1 - share) for share in shares) / (20 * n)
    return (shares[0] - shares[1]) / math.sqrt(variance)


def bands(replicates: int = 2000) -> list[Figure]:
    """Share of suites of seven conditions in which every interval covers."""
    found = []
    easy = np.array([1.7, 1.4, 1.0, 0.4, 1.5, 1.1, 0.6])
    simultaneous = float(norm.ppf((1 + band_confidence(7)) / 2))
    for shared, (n, rounds) in product((0.5, 2.0), ((360, replicates), (10_000, replicates // 4))):
        rng, hits = generator("bands", n, shared), {"Bonferroni": [], "unadjusted": []}
        spread = math.sqrt(1 + shared**2)
        truth = norm.cdf((easy + 0.2) / spread) - norm.cdf(easy / spread)
        for _ in range(rounds):
            image = shared * rng.normal(size=n)
            sides = [
                easy[:, None] + gain + image + rng.normal(size=(7, n)) > 0 for gain in (0.2, 0.0)
            ]
            gains = (sides[0] & ~sides[1]).sum(axis=1)
            losses = (sides[1] & ~sides[0]).sum(axis=1)
            worst = max(
                abs(score_z(int(g), int(k), n, float(d)))
                for g, k, d in zip(gains, losses, truth, strict=True)
            )
            hits["Bonferroni"].append(worst < simultaneous)
            hits["unadjusted"].append(worst < Z95)
        found += rates(f"7 conditions, images explain {shared**2 / spread**2:.0%}", n, hits)
    return found


def thresholds() -> list[Figure]:
    """Exact facts: smallest discordance that Holm can use, MDE, widths at zero discordance."""
    found = []
    for cells in (1, 7):
        hopeless = [k for k in range(30) if undecidable([best_p(k)] * cells)[0]]
        name = f"{cells} conditions: images needed to decide"
        found.append(Figure(name, 360, "score", max(hopeless) + 1))
    for n in SIZES:
        high = BoundedSample.of(np.zeros(n)).interval().high
        found.append(Figure("zero discordance: half width, points", n, "score", 100 * high))
        found.append(
            Figure("6 % discordant: MDE, points", n, "score", 100 * mde_examples(n, 0.06))
        )
    found.append(Figure("smallest p of 5 sign flips", 5, "sign flip", 2 / 2**5))
    useful = 1 - float(student.ppf(0.975, 8) / student.ppf(0.975, 4)) ** 2
    found.append(Figure("correlation above which pairing 5 seeds pays", 5, "t", useful))
    return found


def best_p(discordant: int, n: int = 360) -> float:
    return BoundedSample.of((np.arange(n) < discordant).astype(float)).p()


# Two architectures ----------------------------------------------------------------------------

SPREADS = {  # standard deviations of seeds, of images, of images x architecture
    "seeds vary little": (0.02, 1.0, 0.5),
    "seeds and images alike": (0.12, 1.0, 0.5),
    "seeds vary much": (0.4, 1.0, 0.5),
    "ceiling, seeds vary": (0.2, 1.0, 0.2),
}


def architectures(replicates: int = 1000, resamples: int = 200) -> list[Figure]:
    """Coverage of 95 % intervals for the difference of two architectures, 5 seeds each."""
    found = []
    for (setting, spreads), n in product(SPREADS.items(), SIZES):
        rounds = replicates if n == 360 else replicates // 2
        rng, hits = generator(setting, n), {}
        for _ in range(rounds):
            left, right, truth = two_architectures(rng, n, spreads, "ceiling" in setting)
            for name, interval in intervals(left, right, rng, resamples).items():
                hits.setdefault(name, []).append(interval[0] <= truth <= interval[1])
        found += rates(setting, n, hits)
    return found


def two_architectures(
    rng: np.random.Generator, n: int, spreads: tuple[float, float, float], ceiling: bool
) -> tuple[Floats, Floats, float]:
    """Outcomes (5, n) of both sides from a probit model, and the true difference."""
    seeds, images, own = spreads
    base, total = (3.2 if ceiling else 0.9), math.sqrt(1 + seeds**2 + images**2 + own**2)
    shared = images * rng.normal(size=n)
    sides = []
    for level in (base + 0.15, base):
        latent = level + shared + own * rng.normal(size=n) + seeds * rng.normal(size=(5, 1))
        sides.append((latent + rng.standard_normal((5, n)) > 0).astype(float))
    truth = float(norm.cdf((base + 0.15) / total) - norm.cdf(base / total))
    return sides[0], sides[1], truth


def intervals(
    left: Floats, right: Floats, rng: np.random.Generator, resamples: int
) -> dict[str, tuple[float, float]]:
    """Intervals of the method and of those that it replaces."""
    found: dict[str, tuple[float, float]] = {"seeds x images": crossed(left, -right).interval()}
    picks = [rng.integers(0, 5, (resamples, 5)) for _ in range(2)]
    seeds = left.mean(axis=1)[picks[0]].mean(axis=1) - right.mean(axis=1)[picks[1]].mean(axis=1)
    found["bootstrap of seeds"] = percentiles(seeds)
    n = left.shape[1]
    per_image = left.mean(axis=0) - right.mean(axis=0)
    half = Z95 * float(per_image.std(ddof=1)) / math.sqrt(n)
    found["images only"] = per_image.mean() - half, per_image.mean() + half
    if n <= 1000:
        columns = rng.multinomial(n, np.full(n, 1 / n), resamples) / n
        rows = [(pick[:, :, None] == np.arange(5)).mean(axis=1) for pick in picks]
        both = rows[0] @ left - rows[1] @ right
        found["nested bootstrap"] = percentiles((both * columns).sum(axis=1))
    return found


def percentiles(draws: Floats) -> tuple[float, float]:
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)


# Claims and ratios ----------------------------------------------------------------------------


def logits(replicates: int = 3000) -> list[Figure]:
    """Coverage of the logit difference, and how often an equal loss in logits makes a claim."""
    found = []
    for name, clean, loss in (
        ("clean 91.3 / 95.7 %, both lose 2 logits", (0.913, 0.957), 2.0),
        ("ceiling: clean 99.5 / 99.8 %, both lose 1 logit", (0.995, 0.998), 1.0),
    ):
        for n, rounds in ((360, replicates), (10_000, replicates // 5)):
            rng, hits = (
                generator(name, n),
                {"covers": [], "corrupted alone claims": [], "claims": []},
            )
            for _ in range(rounds):
                corrupted, pure = equal_losses(rng, n, clean, loss)
                design = Design(CHECKPOINTS)
                logit = abs(logit_difference(design, corrupted, pure).z()) > Z95
                alone = abs(design.difference(corrupted).z()) > Z95
                hits["covers"].append(not logit)
                hits["corrupted alone claims"].append(alone)
                hits["claims"].append(logit and alone)
            found += rates(name, n, hits)
    return found


def equal_losses(
    rng: np.random.Generator, n: int, clean: tuple[float, float], loss: float
) -> tuple[Pair, Pair]:
    """Both sides lose the same logits; one image is easy or hard for all four outcomes."""
    image = rng.normal(size=n)
    sides = []
    for accuracy in clean:
        lost = math.log(accuracy / (1 - accuracy)) - loss
        shares = np.array([accuracy, 1 / (1 + math.exp(-lost))])
        latent = 0.7 * image + math.sqrt(1 - 0.49) * rng.normal(size=(2, n))
        sides.append((latent < norm.ppf(shares)[:, None]).astype(float))
    return Pair(sides[0][1:], sides[1][1:]), Pair(sides[0][:1], sides[1][:1])


def ratios(replicates: int = 4000) -> list[Figure]:
    """Mean corruption error of two equally good networks: ratio of sums and mean of ratios."""
    found = []
    for name, errors in (
        ("six cells at the ceiling, 1.3 % errors", np.full(6, 0.013)),
        ("two cells of six near 1 % errors", np.array([0.0095, 0.0095, 0.025, 0.03, 0.05, 0.08])),
        ("six cells, 1 to 40 % errors", np.array([0.01, 0.03, 0.06, 0.1, 0.2, 0.4])),
    ):
        n, rng = 360, generator(name)
        covered, undefined, means, sums = [], [], [], []
        for _ in range(replicates):
            sides = rng.random((2, 6, n)) < errors[None, :, None]
            left, right = sides.sum(axis=2)
            covered.append(abs(BoundedSample.of(np.subtract(*sides.mean(axis=1))).z()) < Z95)
            undefined.append(bool(np.any(right == 0)))
            sums.append(left.sum() / right.sum())
            if not undefined[-1]:
                means.append(float(np.mean(left / right)))
        found += rates(
            name, n, {"ratio of sums: covers 1": covered, "mean of ratios: undefined": undefined}
        )
        found.append(average(name, n, "ratio of sums: mean", sums))
        found.append(average(name, n, "mean of ratios: mean where defined", means))
    return found


TABLES: dict[str, Callable[[], list[Figure]]] = {
    "coverage_of_two_files": coverage_of_two_files,
    "false_pass": false_pass,
    "mcnemar_sizes": mcnemar_sizes,
    "repeats": repeats,
    "bands": bands,
    "thresholds": thresholds,
    "architectures": architectures,
    "logits": logits,
    "ratios": ratios,
}


def show(figures: list[Figure]) -> None:
    print("| setting | n | method | figure | replicates | MC error |")
    print("| --- | ---: | --- | ---: | ---: | ---: |")
    for f in figures:
        tail = f"{f.replicates} | {f.error:.4f}" if f.replicates else "exact |"
        print(f"| {f.setting} | {f.n} | {f.method} | {f.value:.4g} | {tail} |")


def main(names: list[str]) -> None:
    for name in names or list(TABLES):
        print(f"\n## {name}\n\n{(TABLES[name].__doc__ or '').splitlines()[0]}\n")
        show(TABLES[name]())


if __name__ == "__main__":
    main(sys.argv[1:])
