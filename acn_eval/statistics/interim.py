"""A verdict after as few examples as decide it: the difference on the primary endpoint alone."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from acn_eval.seeds import keyed_order
from acn_eval.statistics.claims import Case, Sample, interim_words
from acn_eval.statistics.comparison import Estimate
from acn_eval.statistics.equivalence import Equivalence
from acn_eval.statistics.pairing import Outcomes
from acn_eval.statistics.score import BoundedSample, Interval
from acn_eval.statistics.sequential import Bets, Split, examples_to_reach

__all__ = ["Found", "Interim", "expected_examples", "found_after", "interim"]

_ALPHA = 0.05
Direction = Literal["higher", "lower", "tie", "undecided"]


@dataclass(frozen=True)
class Found:
    """What the examples that were shown say of a difference.

    Attributes:
        verdict: of the candidate against the baseline; a wrong direction is said with 5 %
            probability at most, and so is a tie of a difference beyond the margin.
        difference: with 95 % limits.
        equivalence: its limits hold with 90 % probability; None without a margin.
    """

    verdict: Direction
    difference: Estimate
    equivalence: Equivalence | None


@dataclass(frozen=True)
class Interim:
    """A verdict on the primary endpoint, after some or all of the planned examples.

    It says nothing of the drop from clean accuracy or of single conditions, which a comparison of
    all examples is needed for. Its limits hold at whatever look the run stops.

    Attributes:
        sentence, certainty: the answer in plain words, and how sure it is.
        labels: of candidate and baseline.
        endpoint: its name.
        accuracies: of candidate and baseline on it.
        shown, total: examples.
        warnings: what a reader must know, in words.
    """

    verdict: Direction
    sentence: str
    certainty: str
    labels: tuple[str, str]
    endpoint: str
    accuracies: tuple[float, float]
    difference: Estimate
    equivalence: Equivalence | None
    shown: int
    total: int
    warnings: tuple[str, ...]

    @property
    def saved(self) -> float:
        """Share of the planned examples that were not needed."""
        return 1 - self.shown / self.total


def interim(
    outcomes: Outcomes,
    labels: tuple[str, str],
    order: tuple[str, ...],
    *,
    shown: int,
    total: int,
) -> Interim | None:
    """Judge the examples shown so far; None if they decide nothing yet.

    Args:
        outcomes: of (candidate, baseline), in accuracy.
        labels: of both.
        order: names that key the order in which examples are shown.
        shown: number of examples, those without an outcome included.
        total: likewise, which was fixed before the first look.
    """
    by_condition = outcomes.values[:, :, keyed_order(outcomes.ids, *order)]
    ours, theirs = np.einsum("c,fcn->fn", outcomes.weights, by_condition)
    words = outcomes.endpoint
    found = found_after(ours - theirs, words.margin, last=shown == total)
    if found is None:
        return None
    accuracies = float(ours.mean()), float(theirs.mean())
    sentence, certainty = interim_words(
        Case(labels, words, Sample(shown, 0)),
        found.difference,
        accuracies,
        found.equivalence,
        total=total,
    )
    return Interim(
        sentence=sentence,
        certainty=certainty,
        labels=labels,
        endpoint=words.name,
        accuracies=accuracies,
        shown=shown,
        total=total,
        warnings=outcomes.warnings,
        **vars(found),
    )


def found_after(
    differences: NDArray[np.float64], margin: float | None, *, last: bool
) -> Found | None:
    """Judge differences (n,) in the order of the looks; None if they decide nothing yet.

    A tenth of each error rate pays for all looks, which bet (`Bets`), the rest for one test of
    the mean at the last look, where limits are those that both kinds leave: with a fixed number
    of examples the score method alone would give its own.

    Args:
        differences: in [-1, 1], candidate - baseline, one per example.
        margin: within which two networks are equivalent; None claims no tie.
        last: whether these are all examples; then there always is a verdict.
    """
    bets = Bets(differences)
    if not (last or _decided(bets, margin)):
        return None
    low, high = _limits(bets, _ALPHA / 2, last=last)
    limits = Estimate(float(differences.mean()), low, high)
    equal = None if margin is None else Equivalence(margin, *_limits(bets, _ALPHA, last=last))
    if low > 0 or high < 0:
        return Found("higher" if low > 0 else "lower", limits, equal)
    if equal is not None and equal.shown:
        return Found("tie", limits, equal)
    return Found("undecided", limits, equal) if last else None


def _decided(bets: Bets, margin: float | None) -> bool:
    """Whether the limits at some example leave out 0, or lie within the margin."""
    side, tie = Split.of(_ALPHA / 2).looks, Split.of(_ALPHA).looks
    if any(bets.reached(0.0, side, above=above) for above in (True, False)):
        return True
    return margin is not None and all(
        bets.reached(-margin if above else margin, tie, above=above) for above in (True, False)
    )


def _limits(bets: Bets, alpha: float, *, last: bool) -> Interval:
    """Limits that each err with probability alpha at most, whatever look is the last."""
    split = Split.of(alpha)
    early = bets.limits(split.looks)
    if not last:
        return early
    final = BoundedSample.of(bets.outcomes).interval(1 - 2 * split.final)
    return Interval(max(early.low, final.low), min(early.high, final.high))


def expected_examples(difference: float, discordance: float, margin: float | None) -> float:
    """Return after how many examples about half of all runs have stopped.

    Infinite where nothing is ever decided: with no difference, and without a margin.

    Args:
        difference: the true one; at 0 it is a tie that is waited for.
        discordance: share of the examples that only one side gets right, at least |difference|.
        margin: of a tie.

    >>> round(expected_examples(0.05, 0.2, None))
    1253
    """
    one, other = ((discordance + sign * abs(difference)) / 2 for sign in (1, -1))
    shares = {1.0: one, 0.0: 1 - discordance, -1.0: other}
    if difference:
        return examples_to_reach(shares, 0.0, Split.of(_ALPHA / 2).looks)
    return examples_to_reach(shares, -(margin or 0.0), Split.of(_ALPHA).looks)
