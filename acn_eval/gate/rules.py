"""From a gate and paired outcomes to the rules that are judged."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acn_eval.gate.config import Gate
from acn_eval.gate.verdict import Measure
from acn_eval.statistics import ACCURACY, DIFFERENCE, BoundedSample
from acn_eval.statistics.pairing import Outcomes
from acn_eval.statistics.power import discordance
from acn_eval.statistics.score import Support
from acn_eval.studies.table import analysis_of

__all__ = ["Rule", "rules_of"]

_CLEAN = "clean"
_SUPPORT: dict[Measure, Support] = {"difference": DIFFERENCE, "accuracy": ACCURACY}


@dataclass(frozen=True)
class Rule:
    """The mean of one outcome per image must lie above a bound.

    Attributes:
        name, measure, required, bound: as in `GateRule`.
        outcomes: (n,), one value per image; empty if not measured.
        reason: why not.
    """

    name: str
    measure: Measure
    required: bool
    bound: float
    outcomes: NDArray[np.float64]
    reason: str = ""

    @property
    def measured(self) -> bool:
        """Whether there is anything to judge."""
        return bool(self.outcomes.size)

    @property
    def support(self) -> Support:
        """Where outcomes lie."""
        return _SUPPORT[self.measure]

    @property
    def sample(self) -> BoundedSample:
        """The outcomes, grouped."""
        return BoundedSample.of(self.outcomes, self.support)

    @property
    def variance(self) -> float:
        """Of one image, for planning: the discordance, or that of 0 / 1 outcomes at the floor."""
        if self.measure == "difference":
            return discordance(self.sample)
        return self.bound * (1 - self.bound)

    def at(self, positions: NDArray[np.int64]) -> "Rule":
        """Return the rule on these images, in that order."""
        return replace(self, outcomes=self.outcomes[positions]) if self.measured else self


def rules_of(gate: Gate, outcomes: Outcomes, suite: Mapping[str, Any]) -> tuple[Rule, ...]:
    """Return every rule of a gate on the outcomes of (candidate, baseline), required ones first.

    The suite decides what the primary end point is.

    A condition that some file lacks is a rule that is not measured: never silently absent.
    """
    table = _Table(outcomes, suite)
    found = [*_required(gate, table), *_alarms(gate, table)]
    # One that is measured may share its name, with another draw or in another space.
    said = {rule.name for rule in found if not rule.measured}
    found += [
        Rule(
            name,
            "difference",
            required=False,
            bound=-(gate.margins.cell or 0.0),
            outcomes=np.empty(0),
            reason=reason,
        )
        for name, reason in table.absent.items()
        if name not in said
    ]
    return tuple(found)


class _Table:
    """Outcomes (2, n) of the end point and of every condition, by name."""

    def __init__(self, outcomes: Outcomes, suite: Mapping[str, Any]) -> None:
        by_condition = outcomes.values.transpose(1, 0, 2)
        primary = list(compress(outcomes.conditions, outcomes.primary))
        analysis = analysis_of(suite)
        end_point = analysis.endpoint_of(suite, primary)
        weights = end_point.weights(outcomes.conditions, outcomes.primary)
        self.end_point = end_point.name
        self.conditions = dict(zip(outcomes.names, by_condition, strict=True))
        mean = np.tensordot(weights, by_condition, axes=1)
        self.values = {self.end_point: mean, **self.conditions}
        self.absent = {analysis.label(skip.condition): skip.reason for skip in outcomes.absent}

    def difference(self, name: str, margin: float, *, required: bool) -> Rule:
        values, reason = self._checked(name)
        return Rule(name, "difference", required, -margin, values[0] - values[1], reason)

    def accuracy(self, name: str, floor: float) -> Rule:
        values, reason = self._checked(name)
        return Rule(f"{name} itself", "accuracy", True, floor, values[0], reason)

    def _checked(self, name: str) -> tuple[NDArray[np.float64], str]:
        values = self.values.get(name)
        if values is None:
            return np.empty((2, 0)), self.absent.get(name) or self._unknown(name)
        if not np.all((values >= -1e-9) & (values <= 1 + 1e-9)):
            return np.empty((2, 0)), "outcomes must be numbers from 0 to 1; some are not"
        return values, ""

    def _unknown(self, name: str) -> str:
        near = difflib.get_close_matches(name, self.values, n=1, cutoff=0.0)
        return f"no end point or condition of the results; the nearest is {near[0]}"


def _required(gate: Gate, table: _Table) -> Iterator[Rule]:
    yield table.difference(table.end_point, gate.margins.primary, required=True)
    if gate.margins.clean is not None:
        yield table.difference(_CLEAN, gate.margins.clean, required=True)
    for name, floor in gate.floors.items():
        yield table.accuracy(name, floor)


def _alarms(gate: Gate, table: _Table) -> Iterator[Rule]:
    margins = gate.margins
    own = dict.fromkeys([n for n in table.conditions if n != _CLEAN], margins.cell)
    for name, margin in {**own, **margins.cells}.items():
        if margin is not None:
            yield table.difference(name, margin, required=False)
