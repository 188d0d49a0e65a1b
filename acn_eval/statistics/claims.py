"""What may be said in words: more or less robust, a tie, undecided, or that it depends."""

import math
from dataclasses import dataclass

from acn_eval.statistics.analysis import Endpoint
from acn_eval.statistics.comparison import Claim, Estimate, Row, Said
from acn_eval.statistics.equivalence import Equivalence
from acn_eval.statistics.quantity import SHARE, Quantity

__all__ = ["Evidence", "Sample", "claim", "identical", "no_claim", "sign_of", "unseparated"]

_LOGITS = Quantity("loss in logits", difference_unit="logits", scale=1, decimals=2)


@dataclass(frozen=True)
class Evidence:
    """The three differences that have to agree, each with a 95 % interval.

    Attributes:
        corrupted: difference on the primary end point.
        drop: difference of (corrupted - clean); None if clean images were not measured.
        logit: the same on the logit scale.
        scales: False where the difference speaks for itself, because nothing was corrupted.
        disturbed, undisturbed: what the two are called.
        equivalence: of the difference on the primary end point; None without a margin.
        quantity: what the differences are about.
    """

    corrupted: Estimate
    drop: Estimate | None
    logit: Estimate | None
    scales: bool = True
    disturbed: str = "corrupted"
    undisturbed: str = "clean"
    equivalence: Equivalence | None = None
    quantity: Quantity = SHARE

    def named(self) -> dict[str, Estimate]:
        """The estimates that exist, by the names that tables show."""
        if not self.scales:
            return {"difference": self.corrupted}
        every = {
            self.disturbed: self.corrupted,
            f"{self.disturbed} - {self.undisturbed}": self.drop,
            "loss in logits": self.logit,
        }
        return {name: estimate for name, estimate in every.items() if estimate is not None}

    def signs(self) -> tuple[int, ...]:
        """+1 is better, -1 worse, 0 has limits around 0; one per estimate that should exist."""
        shown = (self.corrupted, self.drop, self.logit)[: 3 if self.scales else 1]
        return tuple(self.quantity.sign * sign_of(e) for e in shown)


def identical(left: str, right: str) -> Claim:
    """Return the claim about two names of one and the same network."""
    sentence = f"{left} and {right} are identical: same weights (sha256), same architecture."
    return Claim("identical", sentence, {})


@dataclass(frozen=True)
class Sample:
    """What a difference was judged on.

    Attributes:
        images: that are a sample, 0 where they are not.
        seeds: of the smaller side, 0 where the files are given.
        replicate: what these are: seeds, or draws.
    """

    images: int
    seeds: int
    replicate: str = "seed"

    def needed(self, growth: float) -> str:
        """Return how many of them would show a tie in four of five repetitions, if it is one."""
        if growth <= 1:
            return "; it lies too near the margin"
        parts = [f"{math.ceil(growth * self.seeds):,} {self.replicate}s a side"] * bool(self.seeds)
        parts += [f"{math.ceil(growth * self.images):,} images"] * bool(self.images)
        return f"; a tie needs about {' and '.join(parts)}" if parts else ""


def unseparated(equal: Equivalence | None, sample: Sample, scale: float) -> tuple[Said, str, str]:
    """Return the verdict on a difference that was not detected: its words, and what it needs.

    Args:
        equal: the difference against the margin of the suite, if that states one.
        sample: that it was judged on.
        scale: of its unit in points.
    """
    if equal is None:
        why = "; the suite states no equivalence margin, so there is no tie"
        return "undecided", "no difference detected", why
    margin, low, high = (scale * x for x in (equal.margin, equal.low, equal.high))
    within = f"within {margin:.1f} points (90 % interval [{low:+.1f}, {high:+.1f}])"
    if equal.shown:
        return "tie", f"equivalent {within}", ""
    needed = sample.needed(equal.growth)
    return "undecided", f"no difference detected, nor equivalence {within}", needed


def claim(
    subject: str, primary: Row, evidence: Evidence, words: Endpoint, sample: Sample
) -> Claim:
    """Return the verdict on the primary end point, with the subject in front.

    "More robust" needs the corrupted difference, the (corrupted - clean) difference and the
    difference on the logit scale to have one sign and limits off zero. The same loss of 2 logits
    from 91.3 % and 95.7 % clean is -16.4 points in accuracy and -12.0 in drop, and 0 in logits:
    only the last says that nothing about robustness differs.
    """
    verdict, said = _verdict(primary, evidence, words, sample)
    return Claim(verdict, f"{subject}: {said}", evidence.named(), evidence.equivalence)


def no_claim(
    subject: str, files: tuple[int, int], primary: Row, evidence: Evidence, words: Endpoint
) -> Claim:
    """Return the refusal to speak of architectures on too few seeds, or draws, a side."""
    what = "training seeds" if words.replicate == "seed" else f"{words.replicate}s"
    said = (
        f"no claim on the architectures from {files[0]} and {files[1]} {what} "
        f"({words.least} a side are needed); these files differ in {primary.name} by "
        f"{_limits(evidence.corrupted, evidence.quantity)}"
    )
    return Claim("none", f"{subject}: {said}", evidence.named())


def _verdict(
    primary: Row, evidence: Evidence, words: Endpoint, sample: Sample
) -> tuple[Said, str]:
    quantity, equal = evidence.quantity, evidence.equivalence
    shown = f"{primary.name} {_limits(evidence.corrupted, quantity)}"
    signs = evidence.signs()
    if signs[0] == 0 or "undecidable" in primary.notes:
        verdict, said, needed = unseparated(equal, sample, 100)
        few = "; they differ on too few images" * ("undecidable" in primary.notes)
        seen = f"; could have seen {quantity.difference(primary.mde).removeprefix('+')}"
        return verdict, f"{said}{few}; {shown}{seen}{needed}"
    if equal is not None and equal.shown:
        shown += f", within the margin of {100 * equal.margin:.1f} points"
    if set(signs) == {1}:
        return "better", f"{words.better}; {shown}"
    if set(signs) == {-1}:
        return "worse", f"{words.worse}; {shown}"
    return "depends", f"{_why_it_depends(evidence)}; {shown}"


def _why_it_depends(evidence: Evidence) -> str:
    if evidence.drop is None or evidence.logit is None:
        return "clean images were not measured, so this may be clean accuracy, not robustness"
    return (
        f"depends on scale or {evidence.undisturbed} accuracy: {evidence.disturbed} - "
        f"{evidence.undisturbed} {_limits(evidence.drop, evidence.quantity)}, "
        f"{_limits(evidence.logit, _LOGITS)}"
    )


def sign_of(estimate: Estimate | None) -> int:
    """Return +1 or -1 where the limits lie to one side of 0, else 0."""
    if estimate is None:
        return 0
    return (estimate.low > 0) - (estimate.high < 0)


def _limits(estimate: Estimate, quantity: Quantity) -> str:
    low, high = (quantity.text(x, sign="+") for x in (estimate.low, estimate.high))
    return f"{quantity.difference(estimate.value)} [{low}, {high}]"
