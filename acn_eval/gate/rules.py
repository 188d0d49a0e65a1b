"""From a gate and paired outcomes to the rules that are judged."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from acn_eval.errors import suggestion
from acn_eval.gate.config import Gate
from acn_eval.gate.verdict import GateRule, Measure
from acn_eval.statistics import Estimate
from acn_eval.statistics.architectures import Student, over_examples
from acn_eval.statistics.pairing import Outcomes
from acn_eval.statistics.power import discordance
from acn_eval.statistics.quantity import SHARE, Quantity
from acn_eval.statistics.score import ACCURACY, DIFFERENCE, BoundedSample, Support

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
    """

    name: str
    measure: Measure
    required: bool
    bound: float
    outcomes: NDArray[np.float64]
    reason: str = ""
    quantity: Quantity = SHARE

    @property
    def measured(self) -> bool:
        """Whether there is anything to judge."""
        return bool(self.outcomes.size)

    @property
    def support(self) -> Support:
        """Where outcomes lie."""
        return DIFFERENCE if self.measure == "difference" else ACCURACY

    @property
    def sample(self) -> BoundedSample | Student:
        """The outcomes as a sample of examples."""
        if not self.quantity.scored:
            return over_examples(self.outcomes)
        return BoundedSample.of(self.outcomes, self.support)

    @property
    def variance(self) -> float:
        """Of one example, for planning: the discordance, or that of 0 / 1 values at the floor."""
        sample = self.sample
        if isinstance(sample, Student):
            return sample.variance * len(self.outcomes)
        if self.measure == "difference":
            return discordance(sample)
        return self.bound * (1 - self.bound)

    def in_unit(self, row: GateRule) -> GateRule:
        """Return a row on this rule in the unit of the metric, where lower may be better."""
        row, e = replace(row, quantity=self.quantity), row.estimate
        if self.quantity.higher_is_better:
            return row
        return replace(
            row,
            bound=-row.bound,
            estimate=e and Estimate(-e.value, -e.high, -e.low),
            level=row.upper_level,
            upper_level=row.level,
        )

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
        self.quantity = analysis.metric.quantity
        by_condition = self.quantity.sign * outcomes.values.transpose(1, 0, 2)
        self.conditions = dict(zip(outcomes.names, by_condition, strict=True))
        mean = np.tensordot(outcomes.weights, by_condition, axes=1)
        self.values = {self.endpoint: mean, **self.conditions}
        self.absent = {analysis.label(skip.condition): skip.reason for skip in outcomes.absent}

    def difference(self, name: str, margin: float, *, required: bool) -> Rule:
        (ours, theirs), why = self._checked(name)
        return Rule(name, "difference", required, -margin, ours - theirs, why, self.quantity)

    def accuracy(self, name: str, floor: float) -> Rule:
        (ours, _), why = self._checked(name)
        bound = self.quantity.sign * floor
        return Rule(f"{name} itself", "accuracy", True, bound, ours, why, self.quantity)

    def _checked(self, name: str) -> tuple[NDArray[np.float64], str]:
        values, reason = self.values.get(name), ""
        if values is None:
            unknown = f"no endpoint or condition of the results.{suggestion(name, self.values)}"
            reason = self.absent.get(name) or unknown
        elif self.quantity.scored and not np.all((values >= -1e-9) & (values <= 1 + 1e-9)):
            reason = "outcomes must be numbers from 0 to 1; some are not"
        return (np.empty((2, 0)) if values is None or reason else values), reason
