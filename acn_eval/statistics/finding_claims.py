"""Verdicts on what a suite finds beside accuracy: the depth that is needed, what is forgotten."""

from acn_eval.statistics.claims import Case, interval, sign_of, unseparated
from acn_eval.statistics.comparison import Claim, Estimate, Finding, Said
from acn_eval.statistics.equivalence import Equivalence
from acn_eval.statistics.quantity import SHARE, Quantity

__all__ = ["finding_claim", "trade_claim"]


def finding_claim(case: Case, finding: Finding, whole: Estimate | None) -> Claim:
    """Return the verdict on a number of which less is better, e.g. the layers that are needed.

    A network that needs less of itself because the whole is worse is not better: where both
    speak, and one for each side, it depends.

    Args:
        case: in question; `decisive` of its endpoint says what less and more mean.
        finding: with a difference.
        whole: difference in accuracy of the whole networks, if it is known.
    """
    difference, sign, said = _said(case, finding)
    evidence = {finding.name: difference}
    equal = finding.equivalence(case.words.finding_margin)
    verdict, neither, more = unseparated(case, equal, _quantity(finding))
    if sign:
        verdict, more = _one_side(sign), ""
    if whole is not None and sign != 0 and sign_of(whole) == sign:
        verdict, evidence = "depends", {**evidence, "whole network": whole}
        said += f", but its whole network is {'less' if sign < 0 else 'more'} accurate"
        more = f"; that of the whole network is {interval(whole, SHARE)}"
    sure = f"{_difference(case, finding)}{more}."
    return Claim(verdict, f"{said if sign else neither}: {_both(finding)}.", evidence, equal, sure)


def trade_claim(case: Case, finding: Finding, beside: Finding) -> Claim:
    """Return the verdict on two numbers, less of one of which may cost some of the other.

    Who has learned less has less to forget. So "forgets less" is said where not less was learned:
    surely more, or less by no more than the margin. Both numbers stand side by side.

    Args:
        case: in question; `decisive` of its endpoint says what less and more mean.
        finding: of which less is better.
        beside: of which more is better.
    """
    difference, sign, said = _said(case, finding)
    learned = beside.difference
    assert learned is not None
    both = [f.equivalence(case.words.finding_margin) for f in (finding, beside)]
    cost, more = sign_of(learned), ""
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
        verdict, said, more = unseparated(case, (*open_, both[0])[0], _quantity(finding))
    evidence = {finding.name: difference, beside.name: learned}
    sentence = f"{said}: {_both(finding)}, {_both(beside)}."
    second = interval(learned, _quantity(beside))
    sure = f"{_difference(case, finding)}, in {beside.name} {second}{more}."
    return Claim(verdict, sentence, evidence, both[0], sure)


def _said(case: Case, finding: Finding) -> tuple[Estimate, int, str]:
    """The difference, its sign, and what is said of it."""
    difference, decisive = finding.difference, case.words.decisive
    assert difference is not None
    assert decisive is not None
    sign = sign_of(difference)
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


def _both(finding: Finding) -> str:
    ours, theirs = finding.candidate.value, finding.baseline.value
    return f"{finding.name} {ours:.1f} against {theirs:.1f} {finding.unit}"


def _difference(case: Case, finding: Finding) -> str:
    assert finding.difference is not None
    shown = interval(finding.difference, _quantity(finding))
    return f"The difference in {finding.name} is {shown} (95 % interval{case.sample.shown})"
