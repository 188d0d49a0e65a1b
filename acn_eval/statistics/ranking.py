"""Ranks several networks by their pairwise comparisons; those that do not differ share ranks."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from pathlib import Path
from string import ascii_lowercase
from typing import Annotated, Any, Literal

from pydantic import Field

from acn_eval import atomic
from acn_eval.config_files import Record, read_json, recorded
from acn_eval.errors import ConfigError, DataError
from acn_eval.foreign_text import file_name
from acn_eval.results import EvalResult, require_levels
from acn_eval.statistics.analysis import Analysis
from acn_eval.statistics.compare import compare, summarize
from acn_eval.statistics.comparison import Accuracy, Comparison, Estimate
from acn_eval.statistics.design import CHECKPOINTS
from acn_eval.statistics.manifest import facts_of
from acn_eval.statistics.multiplicity import holm
from acn_eval.statistics.pixels import pixels
from acn_eval.statistics.quantity import SHARE, Quantity
from acn_eval.views import Tabular

__all__ = [
    "RANKING",
    "PairOutcome",
    "Rank",
    "Ranking",
    "letters",
    "load_ranking",
    "rank",
    "ranking_key",
    "save_ranking",
]

RANKING = "ranking.json"


@dataclass(frozen=True)
class PairOutcome(Record):
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

    @property
    def estimate(self) -> Estimate:
        """The difference with its limits."""
        return Estimate(self.difference, self.low, self.high)


@dataclass(frozen=True)
class Rank(Record):
    """One entry of a ranking.

    Attributes:
        label: of the network or architecture.
        files: number of them, one per training seed.
        end_point: its mean on the primary endpoint with 95 % limits.
        best, worst: the ranks that the comparisons leave open: 1 + how many are significantly
            better, and all - how many are significantly worse.
        letters: entries that share one do not differ significantly.
        keys: of its results.
        baseline: whether it was named as a baseline.
        pixels: how its images come to size, where not all networks see the same; else "".
        rows: the metric under every condition.
        facts: what must be equal before a difference is due to the architecture, by name.
    """

    label: str
    files: int
    end_point: Accuracy
    best: int
    worst: int
    letters: str
    keys: tuple[str, ...] = ()
    baseline: bool = False
    pixels: str = ""
    rows: tuple[Accuracy, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def rank(self) -> str:
        """``"1"``, or ``"2-3"`` where the pairs leave it open."""
        return str(self.best) if self.best == self.worst else f"{self.best}-{self.worst}"

    @property
    def named(self) -> str:
        """Its label; a baseline is called so."""
        return f"{self.label} (baseline)" if self.baseline else self.label


@dataclass(frozen=True, repr=False)
class Ranking(Record, Tabular):
    """Entries, the best mean first; the order of entries that share a letter means nothing.

    Attributes:
        end_point: name of the primary endpoint.
        alpha: how often any two that do not differ may be called different.
        pairs: every pair once.
        warnings: what holds for every pair, and in which facts some pairs are unequal.
        kind: of the study.
        example: what an example is called, "image" or "example".
    """

    suite: str
    data: str
    end_point: str
    alpha: float
    places: Annotated[tuple[Rank, ...], Field(min_length=2)]
    pairs: tuple[PairOutcome, ...]
    warnings: tuple[str, ...]
    quantity: Quantity = SHARE
    kind: str = ""
    example: Literal["image", "example"] = "image"

    def __repr__(self) -> str:
        """Return one line; `to_frame` has the numbers."""
        return f"Ranking({self.suite} on {self.data}, n = {self.n:,}: {self.answer})"

    @property
    def n(self) -> int:
        """Number of examples."""
        return max(place.end_point.n for place in self.places)

    @property
    def keys(self) -> tuple[str, ...]:
        """Those of the results of all entries, the best entry first."""
        return tuple(key for place in self.places for key in place.keys)

    @property
    def rows(self) -> tuple[Accuracy, ...]:
        """Those of the first entry: every condition."""
        return self.places[0].rows

    @property
    def answer(self) -> str:
        """Who is first, and who cannot be told from the first, as a sentence."""
        first, *others = self.places
        ties = [place.label for place in others if set(place.letters) & set(first.letters)]
        quantity, of = self.quantity, first.end_point.estimate
        unit = f" {quantity.unit}".rstrip()
        value = f"{quantity.limits(of.value, of.low, of.high)}{unit}"
        said = f"{first.label} is first of {len(self.places)} in {self.end_point} ({value})"
        other = any(place.pixels for place in self.places)
        beside = " Not all networks are shown the same pixels." if other else ""
        if not ties:
            return f"{said}, and differs significantly from all others.{beside}"
        return f"{said}, and does not differ significantly from {_listed(ties)}.{beside}"

    def records(self) -> list[dict[str, Any]]:
        """Return one row per entry, in the order of the ranking."""
        return [
            {
                "rank": place.rank,
                "label": place.label,
                "letters": place.letters,
                "files": place.files,
                **vars(place.end_point.estimate),
                "n": place.end_point.n,
                **({"pixels": place.pixels} if place.pixels else {}),
            }
            for place in self.places
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)


def rank(
    entries: Mapping[str, Sequence[EvalResult]],
    analysis: Analysis,
    *,
    alpha: float = 0.05,
    baselines: Collection[str] = (),
) -> Ranking:
    """Compare all pairs of entries, in the terms of an analysis.

    `acn_eval.studies.compare.rank` has the arguments, and the errors.
    """
    if len(entries) < 2:
        raise ConfigError(f"compare: results must be two or more; got {len(entries)}")
    quantity = analysis.metric.quantity
    rows = {label: summarize(results, analysis) for label, results in entries.items()}
    means = {label: own[-1] for label, own in rows.items()}
    shown = dict(zip(entries, pixels([own[0] for own in entries.values()]), strict=True))
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
                keys=tuple(result.key for result in entries[label]),
                baseline=label in baselines,
                pixels=shown[label],
                rows=rows[label][:-1],
                facts=facts_of(entries[label]),
            )
            for i, label in enumerate(ordered)
        ),
        pairs=tuple(
            _outcome(ordered[i], ordered[j], comparison, float(p))
            for (i, j), comparison, p in zip(pairs, compared, adjusted, strict=True)
        ),
        warnings=_warnings(compared, [len(own) for own in entries.values()]),
        quantity=quantity,
        example=first.example,
    )


def ranking_key(ranking: Ranking) -> str:
    """Return the content address (16 hex digits) of what is ranked, and of the metric.

    The order of the entries does not count, only which results are one entry.
    """
    facts = [sorted(sorted(place.keys) for place in ranking.places), ranking.quantity.name]
    return hashlib.sha256(json.dumps(["ranking", *facts]).encode()).hexdigest()[:16]


def save_ranking(ranking: Ranking, folder: Path) -> Path:
    """Write ``ranking.json`` under a folder of its own; return that folder.

    A file that says the same already stays as it is.
    """
    name = file_name(f"{ranking.suite}-{len(ranking.places)}")
    target = folder / "-".join(["rank", name, ranking_key(ranking)])
    text = json.dumps(ranking.to_dict(), indent=1) + "\n"
    if not (target / RANKING).is_file() or (target / RANKING).read_text() != text:
        atomic.write(target / RANKING, text)
    return target


def load_ranking(folder: Path) -> Ranking:
    """Read what `save_ranking` wrote.

    Raises:
        DataError: not a ranking, damaged, or written by another version.
    """
    try:
        ranking: Ranking = recorded(read_json(folder / RANKING), Ranking)
        require_levels(row.condition for place in ranking.places for row in place.rows)
    except (OSError, ValueError) as exc:
        msg = f"{folder}: must be a folder with {RANKING} of this version; {exc}. Rank again."
        raise DataError(msg) from exc
    return ranking


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


def _listed(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``; beyond five, how many."""
    if len(names) > 5:
        return f"{len(names)} others"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _letter(number: int) -> str:
    """``a`` to ``z``, then ``a1`` and on."""
    turn, position = divmod(number, len(ascii_lowercase))
    return ascii_lowercase[position] + (str(turn) if turn else "")


def _outcome(left: str, right: str, comparison: Comparison, p_holm: float) -> PairOutcome:
    row, unit = comparison.primary, comparison.unit
    d = row.difference
    return PairOutcome(left, right, d.value, d.low, d.high, row.p, p_holm, row.mde, unit)


def _warnings(compared: Sequence[Comparison], files: Collection[int]) -> tuple[str, ...]:
    shared = [w for w in compared[0].warnings if all(w in c.warnings for c in compared)]
    unequal = dict.fromkeys(row.name for c in compared for row in c.manifest if row.equal is False)
    some = f"some pairs differ in {', '.join(unequal)}: compare two of them alone"
    few = sum(c.unit == CHECKPOINTS for c in compared) if len(set(files)) > 1 else 0
    about = f"{few} of {len(compared)} pairs are about these files, not about their architectures"
    need = f"{about}, which takes more {compared[0].replicate}s on both sides"
    return (*shared, *([need] if few else []), *([some] if unequal else []))
