"""What may be said in words: more robust, less robust, a tie, or that it depends."""

from dataclasses import dataclass

from acn_eval.statistics.comparison import Claim, Estimate, Finding, Row
from acn_eval.statistics.endpoints import EndPoint

__all__ = ["Evidence", "claim", "finding_claim", "identical", "no_claim"]


@dataclass(frozen=True)
class Evidence:
    """The three differences that have to agree, each with a 95 % interval.

    Attributes:
        corrupted: difference on the primary end point.
        drop: difference of (corrupted - clean); None if clean images were not measured.
        logit: the same on the logit scale.
        scales: False where the difference speaks for itself, because nothing was corrupted.
        disturbed, undisturbed: what the two are called.
    """

    corrupted: Estimate
    drop: Estimate | None
    logit: Estimate | None
    scales: bool = True
    disturbed: str = "corrupted"
    undisturbed: str = "clean"

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
        """+1, -1, or 0 where the interval contains 0, one per estimate that should exist."""
        count = 3 if self.scales else 1
        return tuple(_sign(e) for e in (self.corrupted, self.drop, self.logit)[:count])


def identical(left: str, right: str) -> Claim:
    """Return the claim about two names of one and the same network."""
    sentence = f"{left} and {right} are identical: same weights (sha256), same architecture."
    return Claim("identical", sentence, {})


def claim(subject: str, primary: Row, evidence: Evidence, words: EndPoint) -> Claim:
    """Return the verdict on the primary end point, with the subject in front.

    "More robust" needs the corrupted difference, the (corrupted - clean) difference and the
    difference on the logit scale to have one sign and limits off zero. The same loss of 2 logits
    from 91.3 % and 95.7 % clean is -16.4 points in accuracy and -12.0 in drop, and 0 in logits:
    only the last says that nothing about robustness differs.
    """
    verdict, said = _verdict(primary, evidence, words)
    return Claim(verdict, f"{subject}: {said}", evidence.named())


def finding_claim(
    subject: str, finding: Finding, words: tuple[str, str], whole: Estimate | None
) -> Claim:
    """Return the verdict on a number of which less is better, e.g. the layers that are needed.

    A network that needs less of itself because the whole is worse is not better: where both
    speak, and one for each side, it depends.

    Args:
        subject: stands in front.
        finding: with a difference.
        words: where the candidate's is smaller, and where it is larger.
        whole: difference in accuracy of the whole networks, if it is known.
    """
    difference = finding.difference
    assert difference is not None
    sign = _sign(difference)
    verdict = {-1: "better", 0: "tie", 1: "worse"}[sign]
    evidence = {finding.name: difference}
    said = {-1: words[0], 0: "no difference proven", 1: words[1]}[sign]
    value, low, high = difference.value, difference.low, difference.high
    shown = f"{finding.name} {value:+.1f} {finding.difference_unit} [{low:+.1f}, {high:+.1f}]"
    if whole is not None and sign != 0 and _sign(whole) == sign:
        verdict, evidence = "depends", {**evidence, "whole network": whole}
        against = "less" if sign < 0 else "more"
        shown += f", but the whole network is {against} accurate, {_points(whole)}"
    return Claim(verdict, f"{subject}: {said}; {shown}", evidence)


def no_claim(
    subject: str, files: tuple[int, int], primary: Row, evidence: Evidence, words: EndPoint
) -> Claim:
    """Return the refusal to speak of architectures on too few seeds, or draws, a side."""
    what = "training seeds" if words.replicate == "seed" else f"{words.replicate}s"
    said = (
        f"no claim on the architectures from {files[0]} and {files[1]} {what} "
        f"({words.least} a side are needed); these files differ in {primary.name} by "
        f"{_points(evidence.corrupted)}"
    )
    return Claim("none", f"{subject}: {said}", evidence.named())


def _verdict(primary: Row, evidence: Evidence, words: EndPoint) -> tuple[str, str]:
    shown = f"{primary.name} {_points(evidence.corrupted)}"
    signs = evidence.signs()
    if "undecidable" in primary.notes:
        return "undecidable", f"undecidable: they differ on too few images; {shown}"
    if signs[0] == 0:
        seen = f"could have seen {100 * primary.mde:.1f} points"
        return "tie", f"no difference detected; {shown}; {seen}"
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
        f"{evidence.undisturbed} {_points(evidence.drop)}, "
        f"{_signed(evidence.logit, 1, ' logits')}"
    )


def _sign(estimate: Estimate | None) -> int:
    if estimate is None:
        return 0
    return (estimate.low > 0) - (estimate.high < 0)


def _points(estimate: Estimate) -> str:
    return _signed(estimate, 100, " points")


def _signed(estimate: Estimate, scale: float, unit: str) -> str:
    digits = 1 if scale > 1 else 2
    low, high = scale * estimate.low, scale * estimate.high
    return f"{scale * estimate.value:+.{digits}f}{unit} [{low:+.{digits}f}, {high:+.{digits}f}]"
