"""Ranks several networks by their pairwise comparisons; those that do not differ share ranks."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from string import ascii_lowercase
from typing import Any

from acn_eval.errors import ConfigError
from acn_eval.results import EvalResult
from acn_eval.statistics.analysis import Analysis
from acn_eval.statistics.compare import compare, summarize
from acn_eval.statistics.comparison import Accuracy, Comparison
from acn_eval.statistics.multiplicity import holm
from acn_eval.statistics.quantity import SHARE, Quantity

__all__ = ["PairOutcome", "Rank", "Ranking", "letters", "rank"]


@dataclass(frozen=True)
class PairOutcome:
    """Two entries, by their labels, on the primary endpoint, in fractions of 1.

    Attributes:
        difference, low, high: left - right with unadjusted 95 % limits.
        p: two-sided, unadjusted.
        p_holm: adjusted over all pairs.
        mde: minimum detectable effect at 80 % power, two-sided 5 %.
        unit: as in `Comparison`.
    """

    left: str
    right: str
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    mde: float
    unit: str


@dataclass(frozen=True)
class Rank:
    """One entry of a ranking.

    Attributes:
        label: of the network or architecture.
        files: number of them, one per training seed.
        end_point: its mean on the primary endpoint with 95 % limits.
        best, worst: the ranks that the comparisons leave open: 1 + how many are significantly
            better, and all - how many are significantly worse.
        letters: entries that share one do not differ significantly.
    """

    label: str
    files: int
    end_point: Accuracy
    best: int
    worst: int
    letters: str

    @property
    def rank(self) -> str:
        """``"1"``, or ``"2-3"`` where the pairs leave it open."""
        return str(self.best) if self.best == self.worst else f"{self.best}-{self.worst}"


@dataclass(frozen=True)
class Ranking:
    """Entries, the best mean first; the order of entries that share a letter means nothing.

    Attributes:
        end_point: name of the primary endpoint.
        alpha: how often any two that do not differ may be called different.
        pairs: every pair once.
        warnings: what holds for every pair, and in which facts some pairs are unequal.
    """

    suite: str
    data: str
    end_point: str
    alpha: float
    places: tuple[Rank, ...]
    pairs: tuple[PairOutcome, ...]
    warnings: tuple[str, ...]
    quantity: Quantity = SHARE

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)


def rank(
    entries: Mapping[str, Sequence[EvalResult]], analysis: Analysis, *, alpha: float = 0.05
) -> Ranking:
    """Compare all pairs of entries, in the terms of an analysis.

    `acn_eval.studies.compare.rank` has the arguments, and the errors.
    """
    if len(entries) < 2:
        raise ConfigError(f"compare: results must be two or more; got {len(entries)}")
    quantity = analysis.metric.quantity
    means = {label: summarize(results, analysis)[-1] for label, results in entries.items()}
    ordered = sorted(entries, key=lambda label: -quantity.sign * means[label].estimate.value)
    pairs = list(combinations(range(len(ordered)), 2))
    compared = [compare(entries[ordered[i]], entries[ordered[j]], analysis) for i, j in pairs]
    adjusted = holm([comparison.primary.p for comparison in compared])
    losses = frozenset(pair for pair, p in zip(pairs, adjusted, strict=True) if p < alpha)
    groups, first = letters(len(ordered), losses), compared[0]
    return Ranking(
        suite=first.suite,
        data=first.data,
        end_point=first.primary.name,
        alpha=alpha,
        places=tuple(
            Rank(
                label=label,
                files=len(entries[label]),
                end_point=means[label],
                best=1 + sum(worse == i for _, worse in losses),
                worst=len(ordered) - sum(better == i for better, _ in losses),
                letters=groups[i],
            )
            for i, label in enumerate(ordered)
        ),
        pairs=tuple(
            _outcome(ordered[i], ordered[j], comparison, float(p))
            for (i, j), comparison, p in zip(pairs, compared, adjusted, strict=True)
        ),
        warnings=_warnings(compared),
        quantity=quantity,
    )


def letters(entries: int, different: frozenset[tuple[int, int]]) -> list[str]:
    """Return the compact letter display: two entries share a letter unless they are different.

    Insert and absorb: start with one letter for all, split a letter wherever it joins two
    that are different, and drop a letter whose entries another one covers.

    Reference: Piepho, "An algorithm for a letter-based representation of all-pairwise
    comparisons", 2004.

    >>> letters(3, frozenset({(0, 2)}))
    ['a', 'ab', 'b']
    """
    groups = [frozenset(range(entries))]
    for left, right in sorted(different):
        split = [
            part
            for group in groups
            for part in ([group - {left}, group - {right}] if {left, right} <= group else [group])
        ]
        distinct = list(dict.fromkeys(split))
        groups = [g for g in distinct if not any(g < other for other in distinct)]
    ordered = sorted(groups, key=sorted)
    return [
        "".join(_letter(k) for k, group in enumerate(ordered) if entry in group)
        for entry in range(entries)
    ]


def _letter(number: int) -> str:
    """``a`` to ``z``, then ``a1`` and on."""
    turn, position = divmod(number, len(ascii_lowercase))
    return ascii_lowercase[position] + (str(turn) if turn else "")


def _outcome(left: str, right: str, comparison: Comparison, p_holm: float) -> PairOutcome:
    row, unit = comparison.primary, comparison.unit
    d = row.difference
    return PairOutcome(left, right, d.value, d.low, d.high, row.p, p_holm, row.mde, unit)


def _warnings(compared: Sequence[Comparison]) -> tuple[str, ...]:
    shared = [w for w in compared[0].warnings if all(w in c.warnings for c in compared)]
    unequal = dict.fromkeys(row.name for c in compared for row in c.manifest if row.equal is False)
    some = f"some pairs differ in {', '.join(unequal)}: compare two of them alone"
    return (*shared, *([some] if unequal else []))
