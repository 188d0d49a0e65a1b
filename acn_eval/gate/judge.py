"""Judges rules: once on all images, or after any image with bets."""

from collections.abc import Sequence
from dataclasses import replace

from acn_eval.gate.rules import Rule
from acn_eval.gate.verdict import Decision, GateRule
from acn_eval.statistics import Estimate, holm
from acn_eval.statistics.noninferiority import (
    OneSided,
    images_needed,
    mde_one_sided,
    one_sided,
)
from acn_eval.statistics.sequential import Bets, Split

__all__ = ["at_any_stop", "at_the_end", "decided_after", "identical", "once", "overall"]

_SAME = GateRule(
    name="",
    measure="difference",
    required=False,
    bound=0.0,
    estimate=Estimate(0.0, 0.0, 0.0),
    p_pass=0.0,
    verdict="pass",
    mde=0.0,
    images_needed=0,
    note="identical",
)


def once(rules: Sequence[Rule], alpha: float) -> tuple[GateRule, ...]:
    """Judge all images, once: a rule fails by Holm over all rules, and is cleared by its own p."""
    evidence = [one_sided(r.sample, r.bound, alpha) if r.measured else None for r in rules]
    p_fail = holm([1.0 if e is None else e.p_fail for e in evidence])
    return tuple(
        _decided(_row(rule, e, float(p), alpha), p < alpha, e is not None and e.p_pass < alpha)
        for rule, e, p in zip(rules, evidence, p_fail, strict=True)
    )


def at_any_stop(rules: Sequence[Rule], alpha: float) -> tuple[GateRule, ...]:
    """Judge the images shown so far, in their order; valid whenever one stops.

    A rule is cleared where its wealth reached 1 / alpha_looks, and fails where it reached
    rules / alpha_looks. What a fixed number of images could see is left out: n is not fixed.
    """
    looks = Split.of(alpha).looks
    found = []
    for rule in rules:
        e = _bets(rule).evidence(rule.bound, looks) if rule.measured else None
        p_fail = 1.0 if e is None else min(1.0, len(rules) * e.p_fail)
        row = replace(_row(rule, e, p_fail, alpha), mde=None, images_needed=None)
        found.append(_decided(row, p_fail <= looks, e is not None and e.p_pass <= looks))
    return tuple(found)


def at_the_end(rules: Sequence[Rule], alpha: float) -> tuple[GateRule, ...]:
    """Judge all images after looks on the way: the bets keep what they decided."""
    split, found = Split.of(alpha), []
    for rule, row in zip(rules, once(rules, Split.of(alpha).final), strict=True):
        fails, passes = (
            rule.measured and bool(_bets(rule).reached(rule.bound, level, above=above))
            for level, above in ((split.looks / len(rules), False), (split.looks, True))
        )
        found.append(
            _decided(row, fails or row.verdict == "fail", passes or row.verdict == "pass")
        )
    return tuple(found)


def identical(rules: Sequence[Rule], alpha: float) -> tuple[GateRule, ...]:
    """Judge a network against itself: nothing that was measured can differ but from a floor."""
    return tuple(
        row
        if row.measure == "accuracy" or row.verdict == "not_measured"
        else replace(_SAME, name=row.name, required=row.required, bound=row.bound, n=row.n)
        for row in once(rules, alpha)
    )


def overall(rows: Sequence[GateRule]) -> Decision:
    """Return the verdict of a gate: any failure, then anything missing, then all required."""
    if any(row.verdict == "fail" for row in rows):
        return "fail"
    if any(row.verdict == "not_measured" for row in rows):
        return "no_verdict"
    cleared = all(row.verdict == "pass" for row in rows if row.required)
    return "pass" if cleared else "no_verdict"


def decided_after(rules: Sequence[Rule], alpha: float) -> int:
    """Return after how many of the images shown so far the bets had decided; 0 if not yet."""
    looks = Split.of(alpha).looks
    measured = [rule for rule in rules if rule.measured]
    failed = [
        int(_bets(rule).reached(rule.bound, looks / len(rules), above=False)) for rule in measured
    ]
    cleared = [
        int(_bets(rule).reached(rule.bound, looks, above=True))
        for rule in measured
        if rule.required
    ]
    passed = max(cleared, default=0) if len(measured) == len(rules) and all(cleared) else 0
    return min((at for at in (*failed, passed) if at), default=0)


def _bets(rule: Rule) -> Bets:
    return Bets(rule.outcomes, rule.support)


def _row(rule: Rule, evidence: OneSided | None, p_fail: float, alpha: float) -> GateRule:
    row = GateRule(rule.name, rule.measure, rule.required, rule.bound, note=rule.reason)
    if evidence is None:
        return row
    distance = -rule.bound if rule.measure == "difference" else abs(evidence.value - rule.bound)
    return replace(
        row,
        n=len(rule.outcomes),
        estimate=Estimate(evidence.value, evidence.low, evidence.high),
        p_pass=evidence.p_pass,
        p_fail=p_fail,
        verdict="no_verdict",
        mde=mde_one_sided(len(rule.outcomes), rule.variance, alpha),
        images_needed=images_needed(distance, rule.variance, alpha),
        note=_direction(rule, evidence),
    )


def _decided(row: GateRule, fails: bool, passes: bool) -> GateRule:
    if row.estimate is None:
        return row
    return replace(row, verdict="fail" if fails else "pass" if passes else "no_verdict")


def _direction(rule: Rule, evidence: OneSided) -> str:
    if rule.measure == "accuracy" or evidence.low <= 0 <= evidence.high:
        return ""
    return "better" if evidence.low > 0 else "worse"
