"""What a comparison of two results says: typed records, in fractions of 1, and their file."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from acn_eval import atomic
from acn_eval.cells import Scalar
from acn_eval.config_files import Record, read_json, recorded
from acn_eval.errors import DataError
from acn_eval.foreign_text import file_name
from acn_eval.results import require_levels
from acn_eval.statistics.equivalence import Equivalence
from acn_eval.statistics.quantity import SHARE, Quantity
from acn_eval.views import Tabular

__all__ = [
    "FILE",
    "Accuracy",
    "Claim",
    "Comparison",
    "Estimate",
    "Finding",
    "ManifestRow",
    "Row",
    "Said",
    "Side",
    "comparison_key",
    "load_comparison",
    "name_of",
    "names_of",
    "save_comparison",
]

FILE = "comparison.json"
Said = Literal["better", "worse", "tie", "undecided", "depends", "identical", "none"]
"""Every verdict of a comparison: the words of the terminal, JSON, MLflow and the report."""


@dataclass(frozen=True)
class Estimate(Record):
    """A point estimate with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Accuracy(Record):
    """Accuracy, or another metric, of one side under one condition or on the primary endpoint.

    `estimate` is the mean over examples (and files) with 95 % limits; the rest is as in `Row`.
    """

    name: str
    condition: dict[str, Scalar]
    n: int
    estimate: Estimate
    notes: tuple[str, ...] = ()
    quantity: Quantity = SHARE


@dataclass(frozen=True)
class Side(Record):
    """One side of a comparison: its label, its files (one per seed) and their training seeds."""

    label: str
    keys: tuple[str, ...]
    seeds: tuple[int | None, ...]


@dataclass(frozen=True)
class Row(Record):
    """Candidate against baseline under one condition, or on the primary endpoint.

    Attributes:
        name: for tables, e.g. ``"gaussian 0.1"``, ``"mean corrupted"``.
        condition: without its repeat; empty for an endpoint.
        n: number of examples.
        candidate, baseline: mean of the metric with 95 % limits.
        difference: candidate - baseline with unadjusted 95 % limits.
        band_low, band_high: simultaneous 95 % limits over the conditions (Bonferroni).
        p, p_holm: two-sided, unadjusted; and adjusted over the conditions of the suite.
        mde: minimum detectable effect at 80 % power, two-sided 5 %.
        discordance: share of examples on which the two differ.
        notes: flags in words: "undecidable", "ceiling", "floor".
        same_images: with seeds: the difference on these very test examples (seeds vary, examples
            do not).
        p_sign_flip: with six or more pairs of seeds: exact p on these very test examples.
    """

    name: str
    condition: dict[str, Scalar]
    n: int
    candidate: Estimate
    baseline: Estimate
    difference: Estimate
    band_low: float
    band_high: float
    p: float
    p_holm: float
    mde: float
    discordance: float
    notes: tuple[str, ...] = ()
    same_images: Estimate | None = None
    p_sign_flip: float | None = None


@dataclass(frozen=True)
class Claim(Record):
    """A sentence that the data support or not, and what it rests on.

    Attributes:
        verdict: ``tie`` is equivalence within the margin that the suite states; ``undecided``
            is neither that nor a difference; ``none`` is no claim on architectures.
        sentence: the answer in plain words, with the numbers that carry it.
        evidence: estimates by name.
        equivalence: of what the verdict is about; None where the suite states no margin.
        certainty: how sure the answer is: interval, sample, p, minimum detectable effect.
    """

    verdict: Said
    sentence: str
    evidence: dict[str, Estimate]
    equivalence: Equivalence | None = None
    certainty: str = ""


@dataclass(frozen=True)
class Finding(Record):
    """A number that is no accuracy, of both sides: a depth, a share, a part of the variance.

    Attributes:
        unit: of both sides.
        difference: candidate - baseline with 95 % limits; None where it is not defined.
        note: how it was obtained, in words.
        limits_90: of the difference: those of two one-sided tests.
        caveat: what must not be concluded from it, as sentences that a verdict repeats.
    """

    name: str
    unit: str
    candidate: Estimate
    baseline: Estimate
    difference: Estimate | None
    note: str = ""
    limits_90: tuple[float, float] | None = None
    caveat: str = ""

    @property
    def difference_unit(self) -> str:
        """Unit of the difference: two shares in % differ by points."""
        return "points" if self.unit == "%" else self.unit

    def equivalence(self, margin: float | None) -> Equivalence | None:
        """Return the difference against a margin in its unit, where both are known."""
        if margin is None or self.limits_90 is None:
            return None
        return Equivalence(margin, *self.limits_90)


@dataclass(frozen=True)
class ManifestRow(Record):
    """One line of the fair-pair manifest; ``equal`` is None where one side is unknown."""

    name: str
    candidate: str
    baseline: str
    equal: bool | None


@dataclass(frozen=True, repr=False)
class Comparison(Record, Tabular):
    """Candidate against baseline on the same examples.

    Attributes:
        unit: "checkpoints" (examples are the sample) or "architectures" (seeds x examples).
        rows: one per condition, in the suite's order, clean first.
        primary: the primary endpoint (mean over its cells, clean excluded).
        ratio: mean corruption error of the candidate over the baseline's, or None.
        manifest: what must be equal in a fair pair.
        warnings: what a reader must know, in words.
        paired_seeds: whether seeds were analyzed as pairs, as both sides declare, and not as
            independent samples.
        findings: numbers that are no accuracies.
        replicate: what the files of one side are: "seed" of training, or "draw" of its data.
        kind: of the study; empty in files of older versions.
        quantity: what the rows are about.
        example: what an example is called, "image" or "example".
    """

    candidate: Side
    baseline: Side
    suite: str
    data: str
    unit: str
    n: int
    rows: Annotated[tuple[Row, ...], Field(min_length=1)]
    primary: Row
    claim: Claim
    ratio: Estimate | None
    manifest: tuple[ManifestRow, ...]
    warnings: tuple[str, ...]
    paired_seeds: bool = False
    findings: tuple[Finding, ...] = ()
    replicate: str = "seed"
    kind: str = ""
    quantity: Quantity = SHARE
    example: Literal["image", "example"] = "image"

    def __repr__(self) -> str:
        """Return one line; `to_frame` has the numbers."""
        pair = f"{self.candidate.label} against {self.baseline.label}"
        asked = f"{self.suite} on {self.data}, n = {self.n:,}"
        return f"Comparison({pair}, {asked}: {self.claim.verdict})"

    @property
    def keys(self) -> tuple[str, ...]:
        """Those of the results of both sides."""
        return (*self.candidate.keys, *self.baseline.keys)

    @property
    def answer(self) -> str:
        """The verdict as sentences, with what must not be concluded from it."""
        caveats = (finding.caveat for finding in self.findings)
        return " ".join(filter(None, (self.claim.sentence, *caveats)))

    def records(self) -> list[dict[str, Any]]:
        """Return one row per condition, and the primary endpoint last."""
        return [_record(row) for row in (*self.rows, self.primary)]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)


def _record(row: Row) -> dict[str, Any]:
    estimates = {
        side if part == "value" else f"{side}_{part}": number
        for side in ("candidate", "baseline", "difference")
        for part, number in vars(getattr(row, side)).items()
    }
    names = ("band_low", "band_high", "p", "p_holm", "mde")
    return {"name": row.name, "n": row.n, **estimates, **{n: getattr(row, n) for n in names}}


def name_of(condition: Mapping[str, Scalar]) -> str:
    """Return the corruption of a condition in a few words, for tables.

    >>> name_of({"corruption": "gaussian", "level": 0.1, "space": "pixel"})
    'gaussian 0.1'
    >>> name_of({"corruption": "clean", "level": 0.0})
    'clean'
    """
    name = str(condition.get("corruption", "all")).replace("_", " ")
    if name == "clean" or "level" not in condition:
        return name
    level = condition["level"]
    return f"{name} {level:g}" if isinstance(level, int | float) else f"{name} {level}"


def names_of(
    conditions: Sequence[Mapping[str, Scalar]],
    label: Callable[[Mapping[str, Scalar]], str] = name_of,
) -> tuple[str, ...]:
    """Return distinct names: conditions that share one add the fields in which they differ."""
    names = [label(condition) for condition in conditions]

    def full(name: str, condition: Mapping[str, Scalar]) -> str:
        alike = [c for c, other in zip(conditions, names, strict=True) if other == name]
        differs = [key for key in condition if any(c.get(key) != condition[key] for c in alike)]
        return name + "".join(f", {key} {condition[key]}" for key in differs)

    return tuple(map(full, names, conditions))


def comparison_key(comparison: Comparison) -> str:
    """Return the content address (16 hex digits) of the keys of both sides, and of the metric."""
    facts: list[object] = [comparison.candidate.keys, comparison.baseline.keys]
    if not comparison.quantity.scored:  # addresses of accuracy are older than other metrics
        facts.append(comparison.quantity.name)
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def save_comparison(comparison: Comparison, folder: Path) -> Path:
    """Write ``comparison.json`` under a folder of its own; return that folder.

    A file that says the same already stays as it is.
    """
    sides = [file_name(arm.label) for arm in (comparison.candidate, comparison.baseline)]
    target = folder / "-".join(["compare", *sides, comparison_key(comparison)])
    text = json.dumps(comparison.to_dict(), indent=1) + "\n"
    if not (target / FILE).is_file() or (target / FILE).read_text() != text:
        atomic.write(target / FILE, text)
    return target


def load_comparison(folder: Path) -> Comparison:
    """Read what `save_comparison` wrote.

    Raises:
        DataError: not a comparison, damaged, or written by another version.
    """
    try:
        comparison: Comparison = recorded(_today(read_json(folder / FILE)), Comparison)
        require_levels(row.condition for row in comparison.rows)
    except (OSError, ValueError) as exc:
        msg = f"{folder}: must be a folder with {FILE} of this version; {exc}. Compare again."
        raise DataError(msg) from exc
    return comparison


def _today(facts: Any) -> Any:
    """Before margins were stated, a tie was a difference that was not detected."""
    claim = facts.get("claim") if isinstance(facts, dict) else None
    if not isinstance(claim, dict) or "equivalence" in claim:
        return facts
    undecided = claim.get("verdict") in ("tie", "undecidable")
    return {**facts, "claim": {**claim, "verdict": "undecided"} if undecided else claim}
