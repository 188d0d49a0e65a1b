"""From a gate and paired outcomes to the rules that are judged."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from acn_eval.errors import suggestion
from acn_eval.gate.config import Gate
from acn_eval.gate.verdict import GateRule, Measure
from acn_eval.statistics import Estimate
from acn_eval.statistics.architectures import Student
from acn_eval.statistics.design import Pair, mean_of
from acn_eval.statistics.pairing import Outcomes
from acn_eval.statistics.power import discordance
from acn_eval.statistics.quantity import SHARE, Quantity
from acn_eval.statistics.score import DIFFERENCE, BoundedSample, Support

__all__ = ["Rule", "rules_of"]

_CLEAN = "clean"


@dataclass(frozen=True)
class Rule:
    """The mean of one outcome per example must lie above a bound.

    Attributes:
        name, measure, required: as in `GateRule`.
        bound: as in `GateRule`, but negated where lower is better.
        outcomes: (n,), one value per example, of which more is better; empty if not measured.
        reason: why not.
        quantity: of the metric.
        support: where outcomes lie; None where that is not known.
        scored: whether the score method is used.
    """

    name: str
    measure: Measure
    required: bool
    bound: float
    outcomes: NDArray[np.float64]
    reason: str = ""
    quantity: Quantity = SHARE
    support: Support | None = DIFFERENCE
    scored: bool = True

    @property
    def measured(self) -> bool:
        """Whether there is anything to judge."""
        return bool(self.outcomes.size)

    @property
    def sample(self) -> BoundedSample | Student:
        """The outcomes as a sample of examples."""
        return mean_of(self.outcomes, self.support, scored=self.scored)

    @property
    def variance(self) -> float:
        """Of one example, for planning: the discordance, or that of 0 / 1 values at the floor."""
        sample = self.sample
        if isinstance(sample, Student):
            return sample.variance * len(self.outcomes)
        if self.measure == "difference":
            return discordance(sample)
        if self.quantity.scored:
            return self.bound * (1 - self.bound)
        low, high = sample.support
        n = len(self.outcomes)
        return (n * float(self.outcomes.var()) + 2 * (high - low) ** 2) / (n + 2)

    def in_unit(self, row: GateRule) -> GateRule:
        """Return a row on this rule in the unit of the metric, where lower may be better."""
        row, e, of = replace(row, quantity=self.quantity), row.estimate, self.quantity
        if not of.higher_is_better:
            e = e and Estimate(-e.value, -e.high, -e.low)
            row = replace(row, bound=-row.bound, level=row.upper_level, upper_level=row.level)
        if e and self.measure == "accuracy":
            e = Estimate(e.value, of.clipped(e.low), of.clipped(e.high))
        return replace(row, estimate=e)

    def at(self, positions: NDArray[np.int64]) -> "Rule":
        """Return the rule on these examples, in that order."""
        return replace(self, outcomes=self.outcomes[positions]) if self.measured else self


def rules_of(gate: Gate, outcomes: Outcomes) -> tuple[Rule, ...]:
    """Return every rule of a gate on the outcomes of (candidate, baseline), required ones first.

    A condition that some file lacks is a rule that is not measured: never silently absent.
    """
    table, margins = _Table(outcomes), gate.margins
    found = [table.difference(table.endpoint, margins.primary, required=True)]
    if margins.clean is not None:
        found.append(table.difference(_CLEAN, margins.clean, required=True))
    found += [table.accuracy(name, floor) for name, floor in gate.floors.items()]
    own = dict.fromkeys([n for n in table.conditions if n != _CLEAN], margins.cell)
    for name, margin in {**own, **margins.cells}.items():
        if margin is not None:
            found.append(table.difference(name, margin, required=False))
    # One that is measured may share its name, with another draw or in another space.
    said = {rule.name for rule in found if not rule.measured}
    bound, nothing = -(margins.cell or 0.0), np.empty(0)
    found += [
        Rule(name, "difference", False, bound, nothing, reason)
        for name, reason in table.absent.items()
        if name not in said
    ]
    return tuple(found)


class _Table:
    """Outcomes (2, n) of the endpoint and of every condition, by name; more is better."""

    def __init__(self, outcomes: Outcomes) -> None:
        analysis, self.endpoint = outcomes.analysis, outcomes.endpoint.name
        self.quantity, self.scored = analysis.metric.quantity, analysis.metric.score
        pairs = outcomes.pairs(candidates=1)
        self.conditions = dict(zip(outcomes.names, pairs, strict=True))
        end_point = Pair.weighted(pairs, outcomes.weights)
        self.pairs = {self.endpoint: end_point, **self.conditions}
        self.absent = {analysis.label(skip.condition): skip.reason for skip in outcomes.absent}

    def difference(self, name: str, margin: float, *, required: bool) -> Rule:
        pair, why = self._checked(name)
        outcomes, between = self.quantity.sign * (pair.candidate - pair.baseline)[0], pair.between
        return self._rule(Rule(name, "difference", required, -margin, outcomes, why), between)

    def accuracy(self, name: str, floor: float) -> Rule:
        pair, why = self._checked(name)
        sign, support = self.quantity.sign, pair.support
        if support and sign < 0:
            support = -support[1], -support[0]
        outcomes = sign * pair.candidate[0]
        rule = Rule(f"{name} itself", "accuracy", True, sign * floor, outcomes, why)
        return self._rule(rule, support)

    def _rule(self, rule: Rule, support: Support | None) -> Rule:
        return replace(rule, quantity=self.quantity, support=support, scored=self.scored)

    def _checked(self, name: str) -> tuple[Pair, str]:
        pair, reason = self.pairs.get(name), ""
        if pair is None:
            unknown = f"no endpoint or condition of the results.{suggestion(name, self.pairs)}"
            reason = self.absent.get(name) or unknown
        elif self.quantity.scored and not all(map(_shares, (pair.candidate, pair.baseline))):
            reason = "outcomes must be numbers from 0 to 1; some are not"
        nothing = np.empty((1, 0))
        return (Pair(nothing, nothing) if pair is None or reason else pair), reason


def _shares(values: NDArray[np.float64]) -> bool:
    return bool(np.all((values >= -1e-9) & (values <= 1 + 1e-9)))
