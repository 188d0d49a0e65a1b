r"""Tests that allow a look after every example: bets on a bounded mean (e-processes).

A gambler bets against "the mean is at most t" and multiplies the wealth by ``1 + l (d_i - t)``
per example. If the statement is true, nothing is won in expectation, so that the wealth *ever*
reaches 1 / alpha with probability alpha at most (Ville's inequality). Stopping as soon as it
does, looking at any time or going on after a crash does not raise that error rate.

The wealth used is the mean over a fixed grid of bets l, each kept from the first example to the
last. Such a mixture is an e-process itself, needs no tuning to the data, and is within
log(number of bets) of the best bet of the grid. No bet exceeds ``0.9 / width`` of the support,
hence wealth stays positive for every t and falls in t: the limits invert the test exactly.

References:
    Ville, "Étude critique de la notion de collectif", 1939. Waudby-Smith and Ramdas,
    "Estimating means of bounded random variables by betting", JRSS B 86, 2024 (the hedged and
    the mixture processes).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acn_eval.results import CheckpointId
from acn_eval.statistics.noninferiority import OneSided
from acn_eval.statistics.score import DIFFERENCE, Interval, Support, root

__all__ = ["BLOCK", "Bets", "Split", "examples_to_reach", "order_names"]

BLOCK = 256
"""Examples between two looks."""

_LARGEST = 0.9
_HALVINGS = 7


def order_names(
    candidate: CheckpointId, baseline: CheckpointId, suite: str
) -> tuple[str, str, str]:
    """Return what keys the order of a sequential run.

    Both weights are in it: one fixed order would judge every change on the same first examples.
    """
    return candidate.sha256, baseline.sha256, suite


@dataclass(frozen=True)
class Split:
    """How the error rate is divided between the looks and the test at the end.

    Attributes:
        looks: for the e-processes, over all looks together.
        final: for the fixed-n test, once, when all examples were shown.
    """

    looks: float
    final: float

    @staticmethod
    def of(alpha: float) -> "Split":
        """Give the looks a tenth: they stop early where much is gained at little loss of power.

        >>> Split.of(0.05)
        Split(looks=0.005, final=0.045)
        """
        return Split(looks=alpha / 10, final=round(alpha - alpha / 10, 12))


@dataclass(frozen=True)
class Bets:
    """Outcomes in the order in which they are shown, ready to be bet on.

    Attributes:
        outcomes: (..., n) in the support, the last axis in the order of the looks.
        support: of the outcomes.
    """

    outcomes: NDArray[np.float64]
    support: Support = DIFFERENCE

    def log_wealth(self, bound: float, *, above: bool) -> NDArray[np.float64]:
        """Return the logarithm of the wealth (..., n) after each example.

        Args:
            bound: the mean that is bet against.
            above: bet that the mean is above the bound; otherwise that it is below.
        """
        gains = (self.outcomes - bound) * (1 if above else -1)
        total = np.full(gains.shape, -np.inf)
        for bet in _bets(self.support):
            np.logaddexp(total, np.log1p(bet * gains).cumsum(axis=-1), out=total)
        return np.asarray(total - math.log(_HALVINGS))

    def reached(self, bound: float, level: float, *, above: bool) -> NDArray[np.int64]:
        """Return after how many examples (...) the wealth first is ``1 / level``; 0 if never."""
        rich = self.log_wealth(bound, above=above) >= -math.log(level)
        return np.where(rich.any(axis=-1), rich.argmax(axis=-1) + 1, 0)

    def evidence(self, bound: float, alpha: float, alpha_fail: float | None = None) -> OneSided:
        """Judge the mean of outcomes (n,); every number holds at whatever example one stops.

        Limits are those of `limits`; p is ``1 / (largest wealth so far)``.
        """
        p_pass, p_fail = (
            math.exp(-max(float(self.log_wealth(bound, above=above).max()), 0.0))
            for above in (True, False)
        )
        low, high = self.limits(alpha, alpha_fail)
        return OneSided(float(self.outcomes.mean()), low, high, p_pass, p_fail)

    def limits(self, alpha: float, alpha_fail: float | None = None) -> Interval:
        """Return one-sided limits, which hold for all n together.

        The lower one at 1 - alpha, the upper one at 1 - alpha_fail (by default the same).
        """
        upper = self._limit(alpha_fail or alpha, above=False)
        return Interval(self._limit(alpha, above=True), upper)

    def _limit(self, alpha: float, *, above: bool) -> float:
        """The bound at which the largest wealth is exactly 1 / alpha; the end if there is none."""
        goal, (end, other) = -math.log(alpha), self.support if above else self.support[::-1]

        def excess(bound: float) -> float:
            return float(self.log_wealth(bound, above=above).max()) - goal

        if excess(end) <= 0:
            return end
        # At its own end of the support no bet can win, so wealth is below 1 there.
        return root(excess, end, other, xtol=1e-12)


def examples_to_reach(shares: Mapping[float, float], bound: float, level: float) -> float:
    """Return after how many examples the wealth is ``1 / level``, if each adds its mean to it.

    About half of all sequences of examples need fewer. Infinite where no bet grows.

    Args:
        shares: of each difference among the examples; they add up to 1.
        bound: the mean that is bet against, from above.
        level: that is to be reached.
    """
    gains, weights = np.array(list(shares)) - bound, np.array(list(shares.values()))
    growth = np.log1p(np.outer(_bets(DIFFERENCE), gains)) @ weights
    if growth.max() <= 0:
        return math.inf

    def excess(n: float) -> float:
        return float(np.logaddexp.reduce(n * growth)) - math.log(_HALVINGS / level)

    return root(excess, 0.0, math.log(_HALVINGS / level) / float(growth.max()))


def _bets(support: Support) -> NDArray[np.float64]:
    low, high = support
    return np.asarray(_LARGEST / (high - low) * 0.5 ** np.arange(_HALVINGS))
