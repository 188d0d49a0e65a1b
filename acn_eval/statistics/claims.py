"""What may be said in words: more or less robust, a tie, undecided, or that it depends."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from acn_eval.statistics.comparison import Claim, Estimate, Row, Said
from acn_eval.statistics.equivalence import Equivalence
from acn_eval.statistics.quantity import SHARE, Quantity

if TYPE_CHECKING:
    from acn_eval.statistics.analysis import Endpoint

__all__ = [
    "Evidence",
    "Sample",
    "claim",
    "identical",
    "interval",
    "no_claim",
    "sign_of",
    "unseparated",
]

_LOGITS = Quantity("loss in logits", difference_unit="logits", scale=1, decimals=2)


@dataclass(frozen=True)
class Evidence:
    """The three differences that have to agree, each with a 95 % interval.

    Attributes:
        corrupted: difference on the primary endpoint.
        drop: difference of (corrupted - clean); None if clean examples were not measured.
        logit: the same on the logit scale.
        clean: clean accuracies of candidate and baseline, where they were measured.
        scales: False where the difference speaks for itself, because nothing was corrupted.
        disturbed, undisturbed: what the two are called.
        equivalence: of the difference on the primary endpoint; None without a margin.
        quantity: what the differences are about.
    """

    corrupted: Estimate
    drop: Estimate | None = None
    logit: Estimate | None = None
    clean: tuple[float, float] | None = None
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
        examples: that are a sample, 0 where they are not.
        seeds: of the smaller side, 0 where the files are given.
        replicate: what these are: seeds, or draws.
    """

    examples: int
    seeds: int
    replicate: str = "seed"

    @property
    def shown(self) -> str:
        """What the interval is over."""
        parts = ["training seeds" if self.replicate == "seed" else f"{self.replicate}s"]
        parts = parts * bool(self.seeds)
        parts += [f"{self.examples:,} examples"] * bool(self.examples)
        return f" over {' and '.join(parts)}" if parts else ""

    def needed(self, growth: float) -> str:
        """Return how many of them would show a tie in four of five repetitions, if it is one."""
        if growth <= 1:
            return "; the difference lies too near the margin for a tie"
        parts = [f"{math.ceil(growth * self.seeds):,} {self.replicate}s per side"]
        parts = parts * bool(self.seeds)
        parts += [f"{math.ceil(growth * self.examples):,} examples"] * bool(self.examples)
        return f"; a tie needs about {' and '.join(parts)}" if parts else ""


def unseparated(
    pair: tuple[str, str], equal: Equivalence | None, sample: Sample, quantity: Quantity
) -> tuple[Said, str, str]:
    """Return the verdict on a difference that was not detected: its words, and what it needs.

    Args:
        pair: labels of candidate and baseline.
        equal: the difference against the margin of the suite, if that states one.
        sample: that it was judged on.
        quantity: what the difference is about.
    """
    neither = f"No difference between {' and '.join(pair)} was detected"
    if equal is None:
        return "undecided", neither, "; the suite states no margin, so a tie cannot be shown"
    low, high = (quantity.text(x, sign="+") for x in (equal.low, equal.high))
    within = f"within {_unsigned(equal.margin, quantity)}"
    limits = f"; the 90 % interval of the difference is [{low}, {high}]"
    if equal.shown:
        return "tie", f"{' and '.join(pair)} are equivalent {within}", limits
    needed = sample.needed(equal.growth)
    return "undecided", f"{neither}, nor are they shown to be equivalent {within}", limits + needed


def claim(
    pair: tuple[str, str], primary: Row, evidence: Evidence, words: "Endpoint", sample: Sample
) -> Claim:
    """Return the verdict on the primary endpoint, about candidate and baseline.

    "More robust" needs the corrupted difference, the (corrupted - clean) difference and the
    difference on the logit scale to have one sign and limits off zero. The same loss of 2 logits
    from 91.3 % and 95.7 % clean is -16.4 points in accuracy and -12.0 in drop, and 0 in logits:
    only the last says that nothing about robustness differs.
    """
    verdict, said, more = _verdict(pair, primary, evidence, words, sample)
    clean = ""
    if verdict == "depends" and evidence.clean is not None:
        clean = f", {_against(evidence.undisturbed, *evidence.clean, evidence.quantity)}"
    sentence = f"{said}: {_both(primary, evidence.quantity)}{clean}."
    detectable = f"differences below {_unsigned(primary.mde, evidence.quantity)} are not reliably"
    sure = f"{_difference(primary, evidence, sample)}; {detectable} detectable (80 % power){more}."
    return Claim(verdict, sentence, evidence.named(), evidence.equivalence, sure)


def no_claim(
    pair: tuple[str, str],
    files: tuple[int, int],
    primary: Row,
    evidence: Evidence,
    words: "Endpoint",
) -> Claim:
    """Return the refusal to speak of architectures on too few seeds, or draws, a side."""
    what = "training seeds" if words.replicate == "seed" else f"{words.replicate}s"
    sentence = (
        f"{files[0]} and {files[1]} {what} are too few to compare the architectures of "
        f"{' and '.join(pair)} ({words.least} per side are needed): "
        f"{_both(primary, evidence.quantity)}."
    )
    shown = interval(evidence.corrupted, evidence.quantity)
    sure = f"Between these files the difference is {shown}."
    return Claim("none", sentence, evidence.named(), certainty=sure)


def _verdict(
    pair: tuple[str, str], primary: Row, evidence: Evidence, words: "Endpoint", sample: Sample
) -> tuple[Said, str, str]:
    """The verdict, the answer, and what else tells how sure it is."""
    equal, signs = evidence.equivalence, evidence.signs()
    if signs[0] == 0 or "undecidable" in primary.notes:
        verdict, said, more = unseparated(pair, equal, sample, evidence.quantity)
        few = "; the two differ on too few examples" * ("undecidable" in primary.notes)
        return verdict, said, few + more
    more = ""
    if equal is not None and equal.shown:
        margin = _unsigned(equal.margin, evidence.quantity)
        more = f"; the difference lies within the margin of {margin}"
    if set(signs) == {1}:
        return "better", f"{pair[0]} {words.better} than {pair[1]}", more
    if set(signs) == {-1}:
        return "worse", f"{pair[0]} {words.worse} than {pair[1]}", more
    return "depends", _it_depends(pair, evidence), f"{_both_scales(evidence)}{more}"


def _it_depends(pair: tuple[str, str], evidence: Evidence) -> str:
    """Why a difference in corrupted accuracy alone is no claim."""
    lower = "lower" if evidence.corrupted.value < 0 else "higher"
    what = evidence.quantity.name
    said = f"{pair[0]} has {lower} {evidence.disturbed} {what} than {pair[1]}, but "
    if evidence.clean is None:
        return f"{said}clean {what} was not measured, which may explain it"
    gap = evidence.clean[0] - evidence.clean[1]
    if gap * evidence.corrupted.value > 0:
        return f"{said}also {lower} {evidence.undisturbed} {what}"
    return f"{said}its loss from {evidence.undisturbed} {what} depends on the scale"


def _both_scales(evidence: Evidence) -> str:
    if evidence.drop is None or evidence.logit is None:
        return ""
    logits = interval(evidence.logit, _LOGITS)
    return (
        f"; relative to {evidence.undisturbed} {evidence.quantity.name} the difference is "
        f"{interval(evidence.drop, evidence.quantity)}, on the logit scale {logits}"
    )


def sign_of(estimate: Estimate | None) -> int:
    """Return +1 or -1 where the limits lie to one side of 0, else 0."""
    if estimate is None:
        return 0
    return (estimate.low > 0) - (estimate.high < 0)


def interval(estimate: Estimate, quantity: Quantity) -> str:
    """Return a difference with its limits, e.g. ``+1.2 points [+0.3, +2.1]``."""
    low, high = (quantity.text(x, sign="+") for x in (estimate.low, estimate.high))
    return f"{quantity.difference(estimate.value)} [{low}, {high}]"


def _unsigned(value: float, quantity: Quantity) -> str:
    return quantity.difference(value).removeprefix("+")


def _both(row: Row, quantity: Quantity) -> str:
    return _against(row.name, row.candidate.value, row.baseline.value, quantity)


def _against(name: str, ours: float, theirs: float, quantity: Quantity) -> str:
    both = f"{quantity.text(ours)} against {quantity.text(theirs)}"
    return f"{name} {both} {quantity.unit}".rstrip()


def _difference(row: Row, evidence: Evidence, sample: Sample) -> str:
    p = "p < 0.001" if row.p < 0.001 else f"p = {row.p:.3f}"
    shown = interval(evidence.corrupted, evidence.quantity)
    return f"The difference is {shown} (95 % interval{sample.shown}), {p}"
