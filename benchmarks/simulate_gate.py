"""Regenerates the gate's tables of docs/statistics.md: error rates, power, images used.

Run: python benchmarks/simulate_gate.py [table ...]

Everything is decided by the code of acn_eval.gate and acn_eval.statistics; figures come with
their Monte Carlo standard error.
"""

import math
import sys
from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from simulate_statistics import Figure, average, generator, score_z, show

from acn_eval.gate.judge import at_any_stop, at_the_end, decided_after, once, overall
from acn_eval.gate.rules import Rule
from acn_eval.statistics.sequential import BLOCK, Bets, Split

ALPHA = 0.05
SPLIT = Split.of(ALPHA)
Floats = NDArray[np.float64]

AT_THE_MARGIN = {  # baseline accuracy, correlation of the two sides
    "60 %, independent": (0.6, 0.0),
    "80 %, correlation .5": (0.8, 0.5),
    "95 %, correlation .9": (0.95, 0.9),
    "ceiling: 99.5 %, correlation .9": (0.995, 0.9),
    "losses only": (0.9, 1.0),
}
ALTERNATIVES = {  # gains, losses, margin
    "no difference, 6 % discordant, margin 2": (0.03, 0.03, 0.02),
    "no difference, 6 % discordant, margin 1": (0.03, 0.03, 0.01),
    "no difference, 15 % discordant, margin 2": (0.075, 0.075, 0.02),
    "no difference, 30 % discordant, margin 2": (0.15, 0.15, 0.02),
    "no difference, 30 % discordant, margin 1.5": (0.15, 0.15, 0.015),
    "-5 points, 6 % discordant, margin 1": (0.005, 0.055, 0.01),
    "-2 points, 6 % discordant, margin 1": (0.02, 0.04, 0.01),
    "+1 point, 6 % discordant, margin 1": (0.035, 0.025, 0.01),
}


def at_the_margin(replicates: int = 4000, margin: float = 0.02) -> list[Figure]:
    """How often a candidate that is exactly a margin worse passes (nominal 5 %)."""
    found = []
    for (setting, (accuracy, correlation)), n in product(AT_THE_MARGIN.items(), (360, 10_000)):
        gain, loss = discordant(accuracy, accuracy - margin, correlation)
        rounds = replicates if n == 360 else replicates // 2
        found += one_rule(setting, n, (gain, loss, margin), rounds)
    return found


def alternatives(replicates: int = 2000) -> list[Figure]:
    """Power and images used at n = 10,000."""
    found = []
    for setting, facts in ALTERNATIVES.items():
        found += one_rule(setting, 10_000, facts, replicates)
    return found


def whole_gates(replicates: int = 1000, n: int = 1000) -> list[Figure]:
    """Seven conditions: false PASS at the margin, false FAIL and power at no difference."""
    found = []
    for (setting, shift), shared in product(
        {"mean corrupted exactly 3 points worse": 0.03, "no difference": 0.0}.items(), (0.5, 2.0)
    ):
        rng = generator("whole_gates", setting, shared)
        hits: dict[str, list[bool]] = {}
        for _ in range(replicates):
            rules = seven_conditions(rng, n, shift, shared)
            for name, verdict in {
                "fixed": overall(once(rules, ALPHA)),
                "sequential": sequential(rules, n),
            }.items():
                hits.setdefault(f"{name}: PASS", []).append(verdict == "pass")
                hits.setdefault(f"{name}: FAIL", []).append(verdict == "fail")
        spread = f"{setting}, images explain {shared**2 / (1 + shared**2):.0%}"
        found += [average(spread, n, name, hit) for name, hit in hits.items()]
    return found


def one_rule(
    setting: str, n: int, facts: tuple[float, float, float], replicates: int
) -> list[Figure]:
    """Fixed-n and sequential verdicts on 0 / 1 outcomes with these gains and losses."""
    gain, loss, margin = facts
    rng = generator("gate", setting, n)
    parts = [
        one_part(rng.random((min(200, replicates), n)), gain, loss, margin)
        for _ in range(-(-replicates // 200))
    ]
    hits = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    used = hits.pop("images used")
    found = [average(setting, n, name, hit.tolist()) for name, hit in hits.items()]
    middle = float(np.median(used))
    spread = float(np.std(used)) * math.sqrt(math.pi / 2 / len(used)) / n
    return [*found, Figure(setting, n, "median share used", middle / n, len(used), spread)]


def one_part(uniform: Floats, gain: float, loss: float, margin: float) -> dict[str, Floats]:
    d = (uniform < gain).astype(float) - (uniform > 1 - loss)
    n = d.shape[1]
    gains, losses = (d > 0).sum(axis=1), (d < 0).sum(axis=1)
    z = np.array([score_z(int(g), int(k), n, -margin) for g, k in zip(gains, losses, strict=True)])
    cleared = Bets(d).reached(-margin, SPLIT.looks, above=True)
    failed = Bets(d).reached(-margin, SPLIT.looks, above=False)
    first = np.where(cleared * failed > 0, np.minimum(cleared, failed), cleared + failed)
    early = -(-first // BLOCK) * BLOCK
    end = norm.ppf(1 - SPLIT.final)
    return {
        "fixed: PASS": z > norm.ppf(1 - ALPHA),
        "fixed: FAIL": z < norm.ppf(ALPHA),
        "sequential: PASS": (cleared > 0) | ((failed == 0) & (z > end)),
        "sequential: FAIL": (failed > 0) | ((cleared == 0) & (z < -end)),
        "z test at every look: PASS": z_at_looks(d, -margin) > norm.ppf(1 - ALPHA),
        "images used": np.where((early > 0) & (early < n), early, n),
    }


def z_at_looks(d: Floats, bound: float) -> Floats:
    """The largest ordinary z among looks every `BLOCK` images: what not to do."""
    n = np.arange(BLOCK, d.shape[1] + 1, BLOCK)
    mean = d.cumsum(axis=1)[:, n - 1] / n
    variance = (d**2).cumsum(axis=1)[:, n - 1] / n - mean**2
    return np.asarray(((mean - bound) / np.sqrt(np.maximum(variance, 1e-9) / n)).max(axis=1))


def discordant(baseline: float, candidate: float, correlation: float) -> tuple[float, float]:
    """Shares of gains and losses of two sides with correlated latent normals."""
    if correlation == 1.0:
        return 0.0, baseline - candidate
    grid = norm.ppf((np.arange(2000) + 0.5) / 2000)
    spread = math.sqrt(1 - correlation)
    right, left = (
        norm.cdf((norm.ppf(p) - math.sqrt(correlation) * grid) / spread)
        for p in (baseline, candidate)
    )
    loss = float(np.mean(right * (1 - left)))
    return loss - (baseline - candidate), loss


def seven_conditions(
    rng: np.random.Generator, n: int, shift: float, shared: float
) -> tuple[Rule, ...]:
    """The rules of a gate of 3 points on outcomes of a probit model with easy and hard images."""
    accuracies = np.array([0.97, 0.95, 0.9, 0.7, 0.96, 0.9, 0.8])
    image, spread = shared * rng.normal(size=n), math.sqrt(1 + shared**2)
    sides = []
    for lost in (np.r_[0.0, np.full(6, shift)], np.zeros(7)):
        level = norm.ppf(accuracies - lost)[:, None] * spread
        sides.append((level + image + rng.normal(size=(7, n)) > 0).astype(float))
    d = sides[0] - sides[1]
    cells = [Rule(f"cell {i}", "difference", False, -0.1, d[i]) for i in range(1, 7)]
    primary = Rule("primary", "difference", True, -0.03, d[1:].mean(axis=0))
    return primary, Rule("clean", "difference", True, -0.03, d[0]), *cells


def sequential(rules: tuple[Rule, ...], n: int) -> str:
    shown = -(-decided_after(rules, ALPHA) // BLOCK) * BLOCK
    if not 0 < shown < n:
        return overall(at_the_end(rules, ALPHA))
    return overall(at_any_stop([rule.at(np.arange(shown)) for rule in rules], ALPHA))


TABLES: dict[str, Callable[[], list[Figure]]] = {
    "at_the_margin": at_the_margin,
    "alternatives": alternatives,
    "whole_gates": whole_gates,
}


def main(names: list[str]) -> None:
    for name in names or list(TABLES):
        print(f"\n## {name}\n\n{TABLES[name].__doc__}\n")
        show(TABLES[name]())


if __name__ == "__main__":
    main(sys.argv[1:])
