"""Verdicts on what a suite finds beside accuracy: the depth that is needed, what is forgotten."""

from typing import TYPE_CHECKING

from acn_eval.statistics.claims import Sample, interval, sign_of, unseparated
from acn_eval.statistics.comparison import Claim, Estimate, Finding, Said
from acn_eval.statistics.equivalence import Equivalence
from acn_eval.statistics.quantity import SHARE, Quantity

if TYPE_CHECKING:
    from acn_eval.statistics.analysis import Decisive, Endpoint

__all__ = ["finding_claim", "trade_claim"]


def finding_claim(
    pair: tuple[str, str],
    finding: Finding,
    words: "Endpoint",
    whole: Estimate | None,
    sample: Sample,
) -> Claim:
    """Return the verdict on a number of which less is better, e.g. the layers that are needed.

    A network that needs less of itself because the whole is worse is not better: where both
    speak, and one for each side, it depends.

    Args:
        pair: labels of candidate and baseline.
        finding: with a difference.
        words: of the endpoint; its `decisive` says what less and more mean.
        whole: difference in accuracy of the whole networks, if it is known.
        sample: that the finding rests on.
    """
    difference, decisive = _decisive(finding, words)
    equal = finding.equivalence(words.finding_margin)
    evidence, sign = {finding.name: difference}, sign_of(difference)
    verdict, said, more = unseparated(pair, equal, sample, _quantity(finding))
    if sign:
        said, more = f"{pair[0]} {decisive.said(sign)} than {pair[1]}", ""
        verdict = _one_side(sign)
    if whole is not None and sign != 0 and sign_of(whole) == sign:
        verdict, evidence = "depends", {**evidence, "whole network": whole}
        said += f", but its whole network is {'less' if sign < 0 else 'more'} accurate"
        more = f"; that of the whole network is {interval(whole, SHARE)}"
    sure = f"{_difference(finding, sample)}{more}."
    return Claim(verdict, f"{said}: {_both(finding)}.", evidence, equal, sure)


def trade_claim(
    pair: tuple[str, str], finding: Finding, beside: Finding, words: "Endpoint", sample: Sample
) -> Claim:
    """Return the verdict on two numbers, less of one of which may cost some of the other.

    Who has learned less has less to forget. So "forgets less" is said where not less was learned:
    surely more, or less by no more than the margin. Both numbers stand side by side.

    Args:
        pair: labels of candidate and baseline.
        finding: of which less is better.
        beside: of which more is better.
        words: of the endpoint; its `decisive` says what less and more mean.
        sample: that both rest on.
    """
    difference, decisive = _decisive(finding, words)
    learned = beside.difference
    assert learned is not None
    both = [f.equivalence(words.finding_margin) for f in (finding, beside)]
    sign, cost = sign_of(difference), sign_of(learned)
    more = ""
    verdict: Said
    if sign:
        paid = _paid(-sign, cost, both[1])
        verdict = "depends" if paid else _one_side(sign)
        said = f"{pair[0]} {decisive.said(sign)} than {pair[1]}{paid}"
    elif cost:
        verdict = "undecided"
        said = f"No difference in {finding.name} was detected, but {pair[0]} {_learned(cost)}"
        said += f" than {pair[1]}"
    else:
        open_ = [equal for equal in both if equal is None or not equal.shown]
        verdict, said, more = unseparated(pair, (*open_, both[0])[0], sample, _quantity(finding))
    evidence = {finding.name: difference, beside.name: learned}
    sentence = f"{said}: {_both(finding)}, {_both(beside)}."
    second = interval(learned, _quantity(beside))
    sure = f"{_difference(finding, sample)}, in {beside.name} {second}{more}."
    return Claim(verdict, sentence, evidence, both[0], sure)


def _decisive(finding: Finding, words: "Endpoint") -> tuple[Estimate, "Decisive"]:
    assert finding.difference is not None
    assert words.decisive is not None
    return finding.difference, words.decisive


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


def _both(finding: Finding) -> str:
    ours, theirs = finding.candidate.value, finding.baseline.value
    return f"{finding.name} {ours:.1f} against {theirs:.1f} {finding.unit}"


def _difference(finding: Finding, sample: Sample) -> str:
    assert finding.difference is not None
    shown = interval(finding.difference, _quantity(finding))
    return f"The difference in {finding.name} is {shown} (95 % interval{sample.shown})"
