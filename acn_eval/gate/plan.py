"""What a number of examples can decide, before any is shown."""

from collections.abc import Mapping
from dataclasses import dataclass

from acn_eval.gate.config import Gate
from acn_eval.gate.rules import rules_of
from acn_eval.results import EvalResult
from acn_eval.statistics.power import examples_needed, mde_examples, pass_power
from acn_eval.studies.compare import join

__all__ = ["PlanRow", "plan", "variances"]


@dataclass(frozen=True)
class PlanRow:
    """What n examples can say about one rule.

    Attributes:
        margin: fraction of 1.
        variance: of one example: the discordance, assumed or from results.
        mde: distance from the margin that is detected with 80 % power.
        power: how often the rule is cleared if the two do not differ.
        images_needed: examples for 80 % power at no difference; None where no number suffices.
    """

    name: str
    margin: float
    variance: float
    mde: float
    power: float
    images_needed: int | None


def plan(gate: Gate, n: int, discordance: float | Mapping[str, float]) -> tuple[PlanRow, ...]:
    """Return one row per margin: one discordance for all, or those of `variances` by name."""
    known = discordance if isinstance(discordance, Mapping) else {}
    assumed = discordance if isinstance(discordance, float) else max(known.values())
    return tuple(
        PlanRow(
            name,
            margin,
            variance := known.get(name, assumed),
            mde_examples(n, variance, gate.alpha),
            pass_power(n, margin, variance, gate.alpha),
            examples_needed(margin, variance, gate.alpha),
        )
        for name, margin in _margins(gate, list(known)).items()
        if margin is not None
    )


def variances(gate: Gate, candidate: EvalResult, baseline: EvalResult) -> dict[str, float]:
    """Return the discordance of a stored pair by rule, the endpoint first.

    Raises:
        ConfigError: the two share no condition, or hardly an example.
    """
    rules = rules_of(gate, join([candidate, baseline], metric=gate.metric))
    return {r.name: r.variance for r in rules if r.measured and r.measure == "difference"}


def _margins(gate: Gate, names: list[str]) -> dict[str, float | None]:
    """Margins by the names of the rules, the endpoint first; without them, by general ones."""
    own = gate.margins
    if not names:
        each = {"clean": own.clean, "each condition": own.cell, **own.cells}
        return {"primary endpoint": own.primary, **each}
    stated = {"clean": own.clean, **own.cells}
    return {names[0]: own.primary, **{name: stated.get(name, own.cell) for name in names[1:]}}
