"""What may be said in words: more robust, less robust, a tie, or that it depends."""

from dataclasses import dataclass

from acn_eval.statistics.architectures import MIN_SEEDS
from acn_eval.statistics.comparison import Claim, Estimate, Row

__all__ = ["Evidence", "claim", "identical", "no_claim"]


@dataclass(frozen=True)
class Evidence:
    """The three differences that have to agree, each with a 95 % interval.

    Attributes:
        corrupted: difference on the primary end point.
        drop: difference of (corrupted - clean); None if clean images were not measured.
        logit: the same on the logit scale.
    """

    corrupted: Estimate
    drop: Estimate | None
    logit: Estimate | None

    def named(self) -> dict[str, Estimate]:
        """The estimates that exist, by the names that tables show."""
        every = {
            "corrupted": self.corrupted,
            "corrupted - clean": self.drop,
            "loss in logits": self.logit,
        }
        return {name: estimate for name, estimate in every.items() if estimate is not None}

    def signs(self) -> tuple[int, ...]:
        """+1, -1, or 0 where the interval contains 0, one per estimate that should exist."""
        return tuple(_sign(e) for e in (self.corrupted, self.drop, self.logit))


def identical(left: str, right: str) -> Claim:
    """Return the claim about two names of one and the same network."""
    sentence = f"{left} and {right} are identical: same weights (sha256), same architecture."
    return Claim("identical", sentence, {})


def claim(subject: str, primary: Row, evidence: Evidence) -> Claim:
    """Return the verdict on the primary end point, with the subject in front.

    "More robust" needs the corrupted difference, the (corrupted - clean) difference and the
    difference on the logit scale to have one sign and limits off zero. The same loss of 2 logits
    from 91.3 % and 95.7 % clean is -16.4 points in accuracy and -12.0 in drop, and 0 in logits:
    only the last says that nothing about robustness differs.
    """
    verdict, words = _verdict(primary, evidence)
    return Claim(verdict, f"{subject}: {words}", evidence.named())


def no_claim(subject: str, seeds: tuple[int, int], primary: Row, evidence: Evidence) -> Claim:
    """Return the refusal to speak of architectures on fewer than three seeds a side."""
    words = (
        f"no claim on the architectures from {seeds[0]} and {seeds[1]} training seeds "
        f"({MIN_SEEDS} a side are needed); these files differ in {primary.name} by "
        f"{_points(evidence.corrupted)}"
    )
    return Claim("none", f"{subject}: {words}", evidence.named())


def _verdict(primary: Row, evidence: Evidence) -> tuple[str, str]:
    shown = f"{primary.name} {_points(evidence.corrupted)}"
    signs = evidence.signs()
    if "undecidable" in primary.notes:
        return "undecidable", f"undecidable: they differ on too few images; {shown}"
    if signs[0] == 0:
        seen = f"could have seen {100 * primary.mde:.1f} points"
        return "tie", f"no difference detected; {shown}; {seen}"
    if set(signs) == {1}:
        return "better", f"more robust; {shown}"
    if set(signs) == {-1}:
        return "worse", f"less robust; {shown}"
    return "depends", f"{_why_it_depends(evidence)}; {shown}"


def _why_it_depends(evidence: Evidence) -> str:
    if evidence.drop is None or evidence.logit is None:
        return "clean images were not measured, so this may be clean accuracy, not robustness"
    return (
        f"depends on scale or clean accuracy: corrupted - clean {_points(evidence.drop)}, "
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
