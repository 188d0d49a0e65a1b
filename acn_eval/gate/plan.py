"""What a number of images could see, before any is shown."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from acn_eval.gate.config import Gate
from acn_eval.gate.rules import Rule, rules_of
from acn_eval.results import EvalResult
from acn_eval.statistics.noninferiority import images_needed, mde_one_sided, pass_power
from acn_eval.studies.compare import join

__all__ = ["PlanRow", "plan", "variances"]


@dataclass(frozen=True)
class PlanRow:
    """What n images can say about one rule.

    Attributes:
        name: of the end point or condition.
        margin: fraction of 1.
        variance: of one image: the discordance, assumed or from results.
        mde: distance from the margin that is seen with 80 % power.
        power: how often the rule is cleared if the two do not differ.
        images_needed: for 80 % power at no difference.
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
    margins = _generic(gate) if not known else _named(gate, known)
    return tuple(
        PlanRow(
            name,
            margin,
            variance := known.get(name, assumed),
            mde_one_sided(n, variance, gate.alpha),
            pass_power(n, margin, variance, gate.alpha),
            images_needed(margin, variance, gate.alpha),
        )
        for name, margin in margins
    )


def variances(gate: Gate, candidate: EvalResult, baseline: EvalResult) -> dict[str, float]:
    """Return the discordance of a stored pair by rule, the end point first.

    Raises:
        ConfigError: the two share no condition, or hardly an image.
    """
    rules = rules_of(gate, join([candidate, baseline], metric=gate.metric), candidate.suite)
    return {rule.name: rule.variance for rule in rules if _is_difference(rule)}


def _is_difference(rule: Rule) -> bool:
    return rule.measured and rule.measure == "difference"


def _generic(gate: Gate) -> Iterator[tuple[str, float]]:
    """Margins by the names that a gate has for them."""
    every = {
        "primary end point": gate.margins.primary,
        "clean": gate.margins.clean,
        "each condition": gate.margins.cell,
        **gate.margins.cells,
    }
    yield from ((name, margin) for name, margin in every.items() if margin is not None)


def _named(gate: Gate, known: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """Margins by the names of the rules; the end point is the first of them."""
    own = {"clean": gate.margins.clean, **gate.margins.cells}
    for number, name in enumerate(known):
        margin = own.get(name, gate.margins.cell) if number else gate.margins.primary
        if margin is not None:
            yield name, margin
