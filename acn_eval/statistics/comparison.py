"""What a comparison of two results says: plain typed records, in fractions of 1 (not points)."""

from dataclasses import asdict, dataclass
from typing import Any

from acn_eval.results import Scalar

__all__ = ["Arm", "Claim", "Comparison", "Estimate", "ManifestRow", "Row"]


@dataclass(frozen=True)
class Estimate:
    """A point estimate with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Arm:
    """One side of a comparison: its label, its files (one per seed) and their training seeds."""

    label: str
    keys: tuple[str, ...]
    seeds: tuple[int | None, ...]


@dataclass(frozen=True)
class Row:
    """Candidate against baseline under one condition, or on the primary end point.

    Attributes:
        name: for tables, e.g. ``"gaussian 0.1"``, ``"mean corrupted"``.
        condition: the condition without its repeat; empty for an end point.
        n: images.
        candidate, baseline: mean of the measure with 95 % limits.
        difference: candidate - baseline with unadjusted 95 % limits.
        band_low, band_high: simultaneous 95 % limits over the conditions (Bonferroni).
        p: two-sided, unadjusted; p_holm: adjusted over the conditions of the suite.
        mde: minimum detectable effect at 80 % power, two-sided 5 %.
        discordance: share of images on which the two differ.
        notes: flags in words: "undecidable", "ceiling", "floor".
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


@dataclass(frozen=True)
class Claim:
    """A sentence that the data support or not, and what it rests on.

    Attributes:
        verdict: "better" | "worse" | "tie" | "depends" | "undecidable" | "identical" | "none".
        sentence: plain words, complete.
        evidence: named estimates that the sentence rests on.
    """

    verdict: str
    sentence: str
    evidence: dict[str, Estimate]


@dataclass(frozen=True)
class ManifestRow:
    """One line of the fair-pair manifest; ``equal`` is None where a side is unknown."""

    name: str
    candidate: str
    baseline: str
    equal: bool | None


@dataclass(frozen=True)
class Comparison:
    """Candidate against baseline on the same images.

    Attributes:
        unit: "checkpoints" (images are the sample) or "architectures" (seeds x images).
        rows: one per condition, in the suite's order, clean first.
        primary: the primary end point (mean over its cells, clean excluded).
        claim: the verdict on the primary end point.
        ratio: mean corruption error of the candidate over the baseline's, or None.
        manifest: the fair-pair manifest.
        warnings: what a reader must know, in words.
    """

    candidate: Arm
    baseline: Arm
    suite: str
    data: str
    unit: str
    n: int
    rows: tuple[Row, ...]
    primary: Row
    claim: Claim
    ratio: Estimate | None
    manifest: tuple[ManifestRow, ...]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)
