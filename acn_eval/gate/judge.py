"""Judges rules: once on all examples, or after any example with bets."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from acn_eval.gate.rules import Rule
from acn_eval.gate.verdict import Decision, GateRule
from acn_eval.statistics import Estimate
from acn_eval.statistics.multiplicity import holm
from acn_eval.statistics.noninferiority import OneSided, one_sided, p_below
from acn_eval.statistics.power import examples_needed, mde_examples
from acn_eval.statistics.sequential import Bets, Split

__all__ = ["at_any_stop", "at_the_end", "decided_after", "identical", "once", "overall"]


def once(rules: Sequence[Rule], alpha: float) -> tuple[GateRule, ...]:
    """Judge all examples, once: a rule fails by Holm over all rules, and is cleared by its own p.

    Holm's last step divides alpha by the number of rules that do not fail, and every rule that
    fails is below that level too: upper limits at that one level say what Holm says.
    """
    p_fail = holm([p_below(r.sample, r.bound) if r.measured else 1.0 for r in rules])
    alpha_fail = alpha / max(int(np.sum(p_fail >= alpha)), 1)
    found = [
        one_sided(r.sample, r.bound, alpha, alpha_fail) if r.measured else None for r in rules
    ]
    alphas, each = (alpha, alpha_fail), zip(rules, found, p_fail, strict=True)
    return tuple(rule.in_unit(_row(rule, e, alphas, float(p))) for rule, e, p in each)


def at_any_stop(rules: Sequence[Rule], alpha: float) -> tuple[GateRule, ...]:
    """Judge the examples shown so far, in their order; valid whenever one stops.

    A rule is cleared where its wealth reached 1 / alpha_looks, and fails where it reached
    rules / alpha_looks. Minimum detectable effects are left out, because n is not fixed.
    """
    looks = Split.of(alpha).looks
    alphas, found = (looks, looks / len(rules)), []
    for rule in rules:
        e = _bets(rule).evidence(rule.bound, *alphas) if rule.measured else None
        p_fail = 1.0 if e is None else min(1.0, len(rules) * e.p_fail)
        found.append(replace(_row(rule, e, alphas, p_fail), mde=None, images_needed=None))
    return tuple(found)


def at_the_end(rules: Sequence[Rule], alpha: float) -> tuple[GateRule, ...]:
    """Judge all examples after looks on the way: the bets keep what they decided.

    Limits are those of the final test, or of the bets where these had decided; their levels
    count what both may err.
    """
    split = Split.of(alpha)
    return tuple(
        _kept(rule, row, (split.looks, split.looks / len(rules)))
        for rule, row in zip(rules, once(rules, split.final), strict=True)
    )


def identical(rules: Sequence[Rule], alpha: float) -> tuple[GateRule, ...]:
    """Judge a network against itself: nothing that was measured can differ but from a floor."""
    none = Estimate(0.0, 0.0, 0.0)
    sure: dict[str, Any] = {"verdict": "pass", "p_pass": 0.0, "p_fail": 1.0, "note": "identical"}
    sure |= {"estimate": none, "level": 0.0, "upper_level": 0.0, "mde": 0.0, "images_needed": 0}
    return tuple(
        row if row.measure == "accuracy" or row.verdict == "not_measured" else replace(row, **sure)
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
    """Return after how many of the examples shown so far the bets had decided; 0 if not yet."""
    looks = Split.of(alpha).looks
    measured = [rule for rule in rules if rule.measured]
    failed = [int(_bets(r).reached(r.bound, looks / len(rules), above=False)) for r in measured]
    required = [r for r in measured if r.required]
    cleared = [int(_bets(r).reached(r.bound, looks, above=True)) for r in required]
    passed = max(cleared, default=0) if len(measured) == len(rules) and all(cleared) else 0
    return min((at for at in (*failed, passed) if at), default=0)


def _bets(rule: Rule) -> Bets:
    assert rule.support is not None  # looks are for accuracy alone
    return Bets(rule.outcomes, rule.support)


def _row(
    rule: Rule, evidence: OneSided | None, alphas: tuple[float, float], p_fail: float
) -> GateRule:
    row = GateRule(rule.name, rule.measure, rule.required, rule.bound, note=rule.reason)
    if evidence is None:
        return row
    distance = -rule.bound if rule.measure == "difference" else abs(evidence.value - rule.bound)
    found = replace(
        row,
        n=len(rule.outcomes),
        p_pass=evidence.p_pass,
        p_fail=p_fail,
        mde=mde_examples(len(rule.outcomes), rule.variance, alphas[0]),
        images_needed=examples_needed(distance, rule.variance, alphas[0]),
    )
    return _decided(found, Estimate(evidence.value, evidence.low, evidence.high), alphas)


def _kept(rule: Rule, row: GateRule, alphas: tuple[float, float]) -> GateRule:
    """The row with the limits of bets that had decided."""
    if row.estimate is None:
        return row
    bets, (low, high) = _bets(rule), (row.estimate.low, row.estimate.high)
    if bets.reached(rule.bound, alphas[0], above=True):
        low = max(low, bets.limits(*alphas).low)
    if bets.reached(rule.bound, alphas[1], above=False):
        high = min(high, bets.limits(*alphas).high)
    spent = (1 - row.level + alphas[0], 1 - row.upper_level + alphas[1])
    return _decided(row, Estimate(row.estimate.value, low, high), spent)


def _decided(row: GateRule, estimate: Estimate, alphas: tuple[float, float]) -> GateRule:
    """The row with limits that err with these alphas, and what they decide."""
    fails, passes = estimate.high < row.bound, estimate.low > row.bound
    return replace(
        row,
        estimate=estimate,
        level=1 - alphas[0],
        upper_level=1 - alphas[1],
        verdict="fail" if fails else "pass" if passes else "no_verdict",
        note=_direction(row, estimate),
    )


def _direction(row: GateRule, estimate: Estimate) -> str:
    if row.measure == "accuracy" or estimate.low <= 0 <= estimate.high:
        return ""
    return "better" if estimate.low > 0 else "worse"
