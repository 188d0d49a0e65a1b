"""Verdicts on what a suite finds beside accuracy: the depth that is needed, what is forgotten."""

from acn_eval.statistics.analysis import Decisive, Endpoint
from acn_eval.statistics.claims import Sample, sign_of, unseparated
from acn_eval.statistics.comparison import Claim, Estimate, Finding, Said
from acn_eval.statistics.equivalence import Equivalence

__all__ = ["finding_claim", "trade_claim"]


def finding_claim(
    subject: str, finding: Finding, words: Endpoint, whole: Estimate | None, sample: Sample
) -> Claim:
    """Return the verdict on a number of which less is better, e.g. the layers that are needed.

    A network that needs less of itself because the whole is worse is not better: where both
    speak, and one for each side, it depends.

    Args:
        subject: stands in front.
        finding: with a difference.
        words: of the end point; its `decisive` says what less and more mean.
        whole: difference in accuracy of the whole networks, if it is known.
        sample: that the finding rests on.
    """
    difference, decisive = _decisive(finding, words)
    equal = finding.equivalence(words.finding_margin)
    evidence, sign, shown = {finding.name: difference}, sign_of(difference), _shown(finding)
    verdict, said, needed = unseparated(equal, sample, 1)
    if sign:
        verdict, said, needed = _one_side(sign), decisive.said(sign), ""
    if whole is not None and sign != 0 and sign_of(whole) == sign:
        verdict, evidence = "depends", {**evidence, "whole network": whole}
        against = "less" if sign < 0 else "more"
        points = [100 * x for x in (whole.value, whole.low, whole.high)]
        shown += f", but the whole network is {against} accurate, {_limits(points)}"
    return Claim(verdict, f"{subject}: {said}; {shown}{needed}", evidence, equal)


def trade_claim(
    subject: str, finding: Finding, beside: Finding, words: Endpoint, sample: Sample
) -> Claim:
    """Return the verdict on two numbers, less of one of which may cost some of the other.

    Who has learned less has less to forget. So "forgets less" is said where not less was learned:
    surely more, or less by no more than the margin. Both numbers stand side by side.

    Args:
        subject: stands in front.
        finding: of which less is better.
        beside: of which more is better.
        words: of the end point; its `decisive` says what less and more mean.
        sample: that both rest on.
    """
    difference, decisive = _decisive(finding, words)
    learned = beside.difference
    assert learned is not None
    both = [f.equivalence(words.finding_margin) for f in (finding, beside)]
    sign, cost = sign_of(difference), sign_of(learned)
    needed = ""
    verdict: Said
    if sign:
        paid = _paid(-sign, cost, both[1])
        verdict = "depends" if paid else _one_side(sign)
        said = f"{decisive.said(sign)}{paid}"
    elif cost:
        verdict = "undecided"
        said = f"no difference detected in {finding.name}, but {_learned(cost)}"
    else:
        open_ = [equal for equal in both if equal is None or not equal.shown]
        verdict, said, needed = unseparated((*open_, both[0])[0], sample, 1)
    evidence = {finding.name: difference, beside.name: learned}
    shown = f"{_shown(finding)}, {_shown(beside)}"
    return Claim(verdict, f"{subject}: {said}; {shown}{needed}", evidence, both[0])


def _decisive(finding: Finding, words: Endpoint) -> tuple[Estimate, Decisive]:
    assert finding.difference is not None
    assert words.decisive is not None
    return finding.difference, words.decisive


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


def _shown(finding: Finding) -> str:
    difference = finding.difference
    assert difference is not None
    limits = _limits([difference.value, difference.low, difference.high], finding.difference_unit)
    return f"{finding.name} {limits}"


def _limits(values: list[float], unit: str = "points") -> str:
    value, low, high = values
    return f"{value:+.1f} {unit} [{low:+.1f}, {high:+.1f}]"
