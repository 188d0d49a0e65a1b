"""Decides whether a candidate may replace its baseline, from two results and nothing else."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from acn_eval.errors import ConfigError
from acn_eval.gate.config import Gate, suite_names
from acn_eval.gate.judge import at_any_stop, at_the_end, decided_after, identical, once, overall
from acn_eval.gate.rules import Rule, rules_of
from acn_eval.gate.sentence import sentence
from acn_eval.gate.verdict import GateRule, Network, Verdict
from acn_eval.results import EvalResult
from acn_eval.seeds import keyed_order
from acn_eval.statistics.metrics import metric_of
from acn_eval.statistics.pairing import require_complete, require_same_question
from acn_eval.statistics.sequential import BLOCK, order_names
from acn_eval.statistics.soundness import differing, same_network
from acn_eval.studies.compare import join

__all__ = ["decide", "look", "replay", "same_network"]


def decide(gate: Gate, candidate: EvalResult, baseline: EvalResult) -> Verdict:
    """Judge all examples, once.

    Results that answer different questions give no verdict; one and the same network passes by
    identity (floors are judged even then).

    Raises:
        ConfigError: a result that was stopped early: how many examples it has depends on them.
    """
    pair = candidate, baseline
    require_complete(pair)
    try:
        rules = _rules(gate, *pair)
    except ConfigError as mismatch:
        return _verdict(gate, pair, (), why=str(mismatch))
    judge = identical if _identical(*pair) else once
    return _verdict(gate, pair, judge(rules, gate.alpha))


def replay(
    gate: Gate, candidate: EvalResult, baseline: EvalResult, *, block: int = BLOCK
) -> Verdict:
    """Judge as if the examples were shown block by block, and stop where that decides.

    Raises:
        ConfigError: as `decide`.
    """
    _require_looks(gate)
    whole = decide(gate, candidate, baseline)
    if not whole.rules or whole.identical:
        return whole
    rules, total = _rules(gate, candidate, baseline), whole.total
    looks = -(-decided_after(rules, gate.alpha) // block)
    shown = min(looks * block, total) or total
    rows = _look([rule.at(np.arange(shown)) for rule in rules], gate.alpha, total)
    return _verdict(gate, (candidate, baseline), rows, shown=shown, total=total)


def look(gate: Gate, candidate: EvalResult, baseline: EvalResult, *, total: int) -> Verdict | None:
    """Judge the examples shown so far; None if that decides nothing yet.

    The results are on the first examples of the order that both weights key; `total` examples
    were fixed before the first look, and with all of them there is a verdict.
    """
    _require_looks(gate)
    pair, shown = (candidate, baseline), candidate.data.n
    try:
        rules = _rules(gate, *pair)
    except ConfigError as mismatch:
        return _verdict(gate, pair, (), why=str(mismatch))
    if shown < total and not decided_after(rules, gate.alpha):
        return None
    return _verdict(gate, pair, _look(rules, gate.alpha, total), shown=shown, total=total)


def _require_looks(gate: Gate) -> None:
    """Refuse a metric that cannot be bet on: looks need values in a known interval."""
    if not metric_of(gate.metric).quantity.scored:
        msg = f"{gate.name}: metric must be accuracy where there are interim looks"
        raise ConfigError(f"{msg}; got {gate.metric}. Judge all examples, once.")


def _identical(candidate: EvalResult, baseline: EvalResult) -> bool:
    """Whether two results are of one network, and say the same of it."""
    one = same_network(candidate.checkpoint, baseline.checkpoint)
    return one and not differing(candidate, baseline)


def _look(rules: Sequence[Rule], alpha: float, total: int) -> tuple[GateRule, ...]:
    shown = max(rule.outcomes.size for rule in rules)
    return at_the_end(rules, alpha) if shown == total else at_any_stop(rules, alpha)


def _rules(gate: Gate, candidate: EvalResult, baseline: EvalResult) -> tuple[Rule, ...]:
    """Return the rules of a gate, their examples in the order of a sequential run.

    Raises:
        ConfigError: the results are of another suite, or cannot be paired.
    """
    wanted, got = suite_names(gate), candidate.suite["name"]
    if got not in wanted:
        msg = f"{candidate.checkpoint.name}: suite must be {wanted[0]}, which {gate.name} judges"
        raise ConfigError(f"{msg}; got {got}. Evaluate that suite, or take another gate.")
    require_same_question([candidate, baseline])
    outcomes = join([candidate, baseline], metric=gate.metric)
    names = order_names(candidate.checkpoint, baseline.checkpoint, got)
    order = keyed_order(outcomes.ids, *names)
    rules = tuple(rule.at(order) for rule in rules_of(gate, outcomes))
    lost = candidate.data.n - len(order)
    if not lost:
        return rules
    reason = f"{lost} of {candidate.data.n} examples lack an outcome on some side"
    return (*rules, Rule("all examples", "difference", False, 0.0, np.empty(0), reason))


def _verdict(
    gate: Gate,
    pair: tuple[EvalResult, EvalResult],
    rows: tuple[GateRule, ...],
    *,
    shown: int | None = None,
    total: int | None = None,
    why: str = "",
) -> Verdict:
    """Put the rows together; `shown` and `total` where there were looks on the way."""
    candidate, baseline = pair
    overrides = list(_overrides(gate, pair, total))
    for fixed, taken in overrides if rows else ():
        note = f"the gate fixes it, and {taken} was taken"
        rows = (*rows, GateRule(fixed, "difference", required=False, bound=0.0, note=note))
    n = max((row.n for row in rows), default=0)
    not_kept = (f"{taken} instead of {fixed}: this cannot pass" for fixed, taken in overrides)
    classes, of = candidate.data.classes, candidate.details.get("all_classes")
    verdict = Verdict(
        gate=gate.name,
        suite=str(candidate.suite["name"]),
        data=f"{candidate.data.name} {candidate.data.split}",
        candidate=Network.of(candidate),
        baseline=Network.of(baseline),
        verdict=overall(rows) if rows else "no_verdict",
        sentence=why,
        n=n,
        total=total or n,
        alpha=gate.alpha,
        rules=rows,
        early=shown is not None and shown != total,
        identical=bool(rows) and _identical(candidate, baseline),
        warnings=(*not_kept, *dict.fromkeys(_warnings(candidate, baseline))),
        overrides=tuple(taken for _, taken in overrides),
        classes=classes,
        all_classes=of if isinstance(of, int) else len(classes),
    )
    return verdict if why else replace(verdict, sentence=sentence(verdict))


def _overrides(
    gate: Gate, pair: tuple[EvalResult, EvalResult], total: int | None
) -> Iterator[tuple[str, str]]:
    """Yield what the gate fixes, and what was taken instead."""
    planned = total or pair[0].data.n
    limit = next((side.details["limit"] for side in pair if "limit" in side.details), None)
    too_few = gate.limit is not None and limit is None and planned <= gate.limit  # for a limit
    if pair[0].seed != gate.seed:
        yield f"seed {gate.seed}", f"seed {pair[0].seed}"
    if limit != gate.limit and not too_few:
        fixed, taken = ("all examples" if n is None else f"limit {n}" for n in (gate.limit, limit))
        yield fixed, taken


def _warnings(candidate: EvalResult, baseline: EvalResult) -> Iterator[str]:
    yield from (*candidate.warnings, *baseline.warnings)
    ours, theirs = (f"{side.precision} on {side.device}" for side in (candidate, baseline))
    if ours != theirs:
        yield f"measured in {ours} and {theirs}: a few predictions may differ for that alone"
