"""What may be said in words: more or less robust, a tie, undecided, or that it depends."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from acn_eval.statistics.comparison import Claim, Estimate, Finding, Row, Said
from acn_eval.statistics.equivalence import Equivalence
from acn_eval.statistics.quantity import SHARE, Quantity

if TYPE_CHECKING:
    from acn_eval.statistics.analysis import Endpoint

__all__ = [
    "Case",
    "Evidence",
    "Sample",
    "claim",
    "finding_claim",
    "identical",
    "interim_words",
    "no_claim",
    "trade_claim",
]

_LOGITS = Quantity("loss in logits", difference_unit="logits", scale=1, decimals=2)


@dataclass(frozen=True)
class Sample:
    """The sample of a difference.

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
        seeds = "training seeds" if self.replicate == "seed" else f"{self.replicate}s"
        parts = [seeds] * bool(self.seeds) + [f"{self.examples:,} examples"] * bool(self.examples)
        return f" over {' and '.join(parts)}" if parts else ""

    def needed(self, growth: float) -> str:
        """Return how many of them would show a tie in four of five repetitions, if it is one."""
        if growth <= 1:
            return "; the difference lies too near the margin for a tie"
        seeds = f"{math.ceil(growth * self.seeds):,} {self.replicate}s per side"
        examples = f"{math.ceil(growth * self.examples):,} examples"
        parts = [seeds] * bool(self.seeds) + [examples] * bool(self.examples)
        return f"; a tie needs about {' and '.join(parts)}" if parts else ""


@dataclass(frozen=True)
class Case:
    """What a verdict is about: the labels of candidate and baseline, the endpoint, the sample."""

    pair: tuple[str, str]
    words: "Endpoint"
    sample: Sample


@dataclass(frozen=True)
class Evidence:
    """The three differences that have to agree, each with a 95 % interval.

    Attributes:
        corrupted: difference on the primary endpoint.
        drop: difference of (corrupted - clean); None if clean examples were not measured.
        logit: the same on the logit scale.
        clean: clean accuracies of candidate and baseline, where they were measured.
        equivalence: of the difference on the primary endpoint; None without a margin.
        quantity: what the differences are about.
        unequal: rows of the fair pair that differ and change the endpoint by themselves.
    """

    corrupted: Estimate
    drop: Estimate | None = None
    logit: Estimate | None = None
    clean: tuple[float, float] | None = None
    equivalence: Equivalence | None = None
    quantity: Quantity = SHARE
    unequal: tuple[str, ...] = ()

    def named(self, words: "Endpoint") -> dict[str, Estimate]:
        """The estimates that exist, by the names that tables show."""
        if not words.scales:
            return {"difference": self.corrupted}
        every = {
            words.changed: self.corrupted,
            f"{words.changed} - {words.unchanged}": self.drop,
            "loss in logits": self.logit,
        }
        return {name: estimate for name, estimate in every.items() if estimate is not None}

    def signs(self, words: "Endpoint") -> tuple[int, ...]:
        """+1 is better, -1 worse, 0 has limits around 0; one per estimate that should exist."""
        shown = (self.corrupted, self.drop, self.logit)[: 3 if words.scales else 1]
        return tuple(self.quantity.sign * _sign_of(e) for e in shown)


def identical(pair: tuple[str, str]) -> Claim:
    """Return the claim about two names of one and the same network."""
    same = f"{' and '.join(pair)} are identical: same weights (sha256), same architecture."
    return Claim("identical", same, {})


def claim(case: Case, primary: Row, evidence: Evidence) -> Claim:
    """Return the verdict on the primary endpoint, about candidate and baseline.

    "More robust" needs the corrupted difference, the (corrupted - clean) difference and the
    difference on the logit scale to have one sign and limits off zero. The same loss of 2 logits
    from 91.3 % and 95.7 % clean is -16.4 points in accuracy and -12.0 in drop, and 0 in logits:
    only the last says that nothing about robustness differs.
    """
    words, quantity = case.words, evidence.quantity
    verdict, said, more = _verdict(case, primary, evidence)
    clean = ""
    if verdict == "depends" and evidence.clean is not None:
        clean = f", {_against(words.unchanged, *evidence.clean, quantity)}"
    p = "p < 0.001" if primary.p < 0.001 else f"p = {primary.p:.3f}"
    shown = f"{_interval(evidence.corrupted, quantity)} (95 % interval{case.sample.shown}), {p}"
    detectable = f"differences below {_unsigned(primary.mde, quantity)} are not reliably"
    return Claim(
        verdict,
        f"{said}: {_both(primary, quantity)}{clean}.",
        evidence.named(words),
        evidence.equivalence,
        f"The difference is {shown}; {detectable} detectable (80 % power){more}.",
    )


def no_claim(case: Case, files: tuple[int, int], primary: Row, evidence: Evidence) -> Claim:
    """Return the refusal of a claim on architectures: too few seeds, or draws, per side."""
    words = case.words
    what = "training seeds" if words.replicate == "seed" else f"{words.replicate}s"
    pair = f"{' and '.join(case.pair)}{_about(evidence.quantity)}"
    sentence = (
        f"{files[0]} and {files[1]} {what} are too few to compare the architectures of "
        f"{pair} ({words.least} per side are needed): {_both(primary, evidence.quantity)}."
    )
    shown = _interval(evidence.corrupted, evidence.quantity)
    sure = f"Between these files the difference is {shown}."
    return Claim("none", sentence, evidence.named(words), certainty=sure)


def interim_words(
    case: Case,
    difference: Estimate,
    accuracies: tuple[float, float],
    equal: Equivalence | None,
    *,
    total: int,
) -> tuple[str, str]:
    """Return the answer after some of all examples, and how sure it is.

    Not "more robust": that rests on the drop and on logits, which are not judged on the way.
    """
    words, (ours, theirs) = case.words, case.pair
    _, said, more = _unseparated(case, equal, SHARE)
    if sign := _sign_of(difference):
        side = "higher" if sign > 0 else "lower"
        said, more = (
            f"{ours} has {side} {words.changed} accuracy than {theirs}",
            _within(equal, SHARE),
        )
    sure = f"{_interval(difference, SHARE)} (95 % interval that is valid at any stop"
    shown = f"{case.sample.examples:,} of {total:,} examples)"
    answer = f"{said}: {_against(words.name, *accuracies, SHARE)}."
    return answer, f"The difference is {sure}, over {shown}{more}."


def finding_claim(case: Case, finding: Finding, whole: Estimate | None) -> Claim:
    """Return the verdict on a number of which less is better, e.g. the layers that are needed.

    A network that needs less of itself because the whole is worse is not better: where the
    finding favors one side and the whole network the other, it depends. So it does where the
    finding has a caveat: an artefact explains at least a part of the difference.

    Args:
        case: in question; `decisive` of its endpoint says what less and more mean.
        finding: with a difference.
        whole: difference in accuracy of the whole networks, if it is known.
    """
    difference, sign, said = _said(case, finding)
    evidence, equal = {finding.name: difference}, finding.equivalence(case.words.finding_margin)
    verdict, neither, more = _unseparated(case, equal, _quantity(finding))
    if sign:
        verdict, more = _one_side(sign), ""
    if sign and finding.caveat:
        verdict, said = "depends", f"{said}, which an artefact explains at least in part"
    if whole is not None and sign != 0 and _sign_of(whole) == sign:
        verdict, evidence = "depends", {**evidence, "whole network": whole}
        said += f", but its whole network is {'less' if sign < 0 else 'more'} accurate"
        more = f"; that of the whole network is {_interval(whole, SHARE)}"
    sure = f"{_found(case, finding)}{more}. {finding.caveat}".rstrip()
    return Claim(
        verdict, f"{said if sign else neither}: {_both_found(finding)}.", evidence, equal, sure
    )


def trade_claim(case: Case, finding: Finding, beside: Finding) -> Claim:
    """Return the verdict on two numbers, less of one of which may cost some of the other.

    A network that has learned less has less to forget. So "forgets less" needs that no less was
    learned: significantly more, or less by no more than the margin. The claim has both numbers.

    Args:
        case: in question; `decisive` of its endpoint says what less and more mean.
        finding: of which less is better.
        beside: of which more is better.
    """
    difference, sign, said = _said(case, finding)
    learned = beside.difference
    assert learned is not None
    both = [f.equivalence(case.words.finding_margin) for f in (finding, beside)]
    cost, more = _sign_of(learned), ""
    verdict: Said
    if sign:
        paid = _paid(-sign, cost, both[1])
        verdict, said = "depends" if paid else _one_side(sign), said + paid
    elif cost:
        ours, theirs = case.pair
        verdict, said = "undecided", f"No difference in {finding.name} was detected, but {ours}"
        said += f" {_learned(cost)} than {theirs}"
    else:
        open_ = [equal for equal in both if equal is None or not equal.shown]
        verdict, said, more = _unseparated(case, (*open_, both[0])[0], _quantity(finding))
    evidence = {finding.name: difference, beside.name: learned}
    sentence = f"{said}: {_both_found(finding)}, {_both_found(beside)}."
    second = _interval(learned, _quantity(beside))
    sure = f"{_found(case, finding)}, in {beside.name} {second}{more}."
    return Claim(verdict, sentence, evidence, both[0], sure)


def _unseparated(
    case: Case, equal: Equivalence | None, quantity: Quantity
) -> tuple[Said, str, str]:
    """Return the verdict on a difference that was not detected: its words, and what it needs."""
    both, about = " and ".join(case.pair), _about(quantity)
    neither = f"No difference{about} between {both} was detected"
    if equal is None:
        return "undecided", neither, "; the suite states no margin, so a tie cannot be shown"
    low, high = (quantity.text(x, sign="+") for x in (equal.low, equal.high))
    within = f"within {_unsigned(equal.margin, quantity)}"
    limits = f"; the 90 % interval of the difference is [{low}, {high}]"
    if equal.shown:
        return "tie", f"{both} are equivalent{about} {within}", limits
    more = limits + case.sample.needed(equal.growth)
    return "undecided", f"{neither}, nor are they shown to be equivalent {within}", more


def _verdict(case: Case, primary: Row, evidence: Evidence) -> tuple[Said, str, str]:
    """The verdict, the answer, and what else tells how sure it is."""
    equal, signs, quantity = evidence.equivalence, evidence.signs(case.words), evidence.quantity
    if signs[0] == 0 or "undecidable" in primary.notes:
        verdict, said, more = _unseparated(case, equal, quantity)
        few = "; the two differ on too few examples" * ("undecidable" in primary.notes)
        return verdict, said, few + more
    more = _within(equal, quantity)
    ours, theirs = case.pair
    if len(set(signs)) == 1:
        does = case.words.better if signs[0] > 0 else case.words.worse
        said = f"{ours} {does} than {theirs}"
        if evidence.unequal:
            what = f"{' and '.join(evidence.unequal)}, which may explain it"
            return "depends", f"{said}, but the two differ in {what}", more
        return ("better" if signs[0] > 0 else "worse"), said, more
    return "depends", _it_depends(case, evidence), f"{_both_scales(case, evidence)}{more}"


def _within(equal: Equivalence | None, quantity: Quantity) -> str:
    if equal is None or not equal.shown:
        return ""
    return f"; the difference lies within the margin of {_unsigned(equal.margin, quantity)}"


def _it_depends(case: Case, evidence: Evidence) -> str:
    """Why a difference in corrupted accuracy alone is no claim."""
    lower = "lower" if evidence.corrupted.value < 0 else "higher"
    words, what = case.words, evidence.quantity.name
    said = f"{case.pair[0]} has {lower} {words.changed} {what} than {case.pair[1]}, but "
    if evidence.clean is None:
        return f"{said}clean {what} was not measured, which may explain it"
    gap = evidence.clean[0] - evidence.clean[1]
    if gap * evidence.corrupted.value > 0:
        return f"{said}also {lower} {words.unchanged} {what}"
    return f"{said}its loss from {words.unchanged} {what} depends on the scale"


def _both_scales(case: Case, evidence: Evidence) -> str:
    if evidence.drop is None or evidence.logit is None:
        return ""
    return (
        f"; relative to {case.words.unchanged} {evidence.quantity.name} the difference is "
        f"{_interval(evidence.drop, evidence.quantity)}, on the logit scale "
        f"{_interval(evidence.logit, _LOGITS)}"
    )


def _about(quantity: Quantity) -> str:
    """Name a metric that is not accuracy."""
    return "" if quantity.scored else f" in {quantity.name}"


def _sign_of(estimate: Estimate | None) -> int:
    """+1 or -1 where the limits lie to one side of 0, else 0."""
    return 0 if estimate is None else (estimate.low > 0) - (estimate.high < 0)


def _interval(estimate: Estimate, quantity: Quantity) -> str:
    """A difference with its limits, e.g. ``+1.2 points [+0.3, +2.1]``."""
    low, high = (quantity.text(x, sign="+") for x in (estimate.low, estimate.high))
    return f"{quantity.difference(estimate.value)} [{low}, {high}]"


def _unsigned(value: float, quantity: Quantity) -> str:
    return quantity.difference(value).removeprefix("+")


def _both(row: Row, quantity: Quantity) -> str:
    return _against(row.name, row.candidate.value, row.baseline.value, quantity)


def _against(name: str, ours: float, theirs: float, quantity: Quantity) -> str:
    return f"{name} {quantity.text(ours)} against {quantity.text(theirs)} {quantity.unit}".rstrip()


def _said(case: Case, finding: Finding) -> tuple[Estimate, int, str]:
    """The difference, its sign, and what is said of it."""
    difference, decisive = finding.difference, case.words.decisive
    assert difference is not None
    assert decisive is not None
    sign = _sign_of(difference)
    does = decisive.less if sign < 0 else decisive.more
    return difference, sign, f"{case.pair[0]} {does} than {case.pair[1]}"


def _quantity(finding: Finding) -> Quantity:
    return Quantity(finding.name, finding.unit, finding.difference_unit, scale=1)


def _one_side(sign: int) -> Said:
    return "better" if sign < 0 else "worse"


def _paid(better: int, cost: int, equal: Equivalence | None) -> str:
    """What may have been paid for forgetting less (better 1), or bought with forgetting more."""
    if cost == better:
        return ""
    if cost:
        return f", but {_learned(cost)}"
    nearest = None if equal is None else (equal.low if better > 0 else -equal.high)
    if equal is None or nearest is None or nearest <= -equal.margin:
        return f", but may have learned {'less' if better > 0 else 'more'}"
    return ""


def _learned(sign: int) -> str:
    return "learned more" if sign > 0 else "learned less"


def _both_found(finding: Finding) -> str:
    ours, theirs = finding.candidate.value, finding.baseline.value
    return f"{finding.name} {ours:.1f} against {theirs:.1f} {finding.unit}"


def _found(case: Case, finding: Finding) -> str:
    assert finding.difference is not None
    shown = _interval(finding.difference, _quantity(finding))
    return f"The difference in {finding.name} is {shown} (95 % interval{case.sample.shown})"
