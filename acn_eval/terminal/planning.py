"""Prints what a gate or a suite costs, and which differences it can detect."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from acn_eval import workflow
from acn_eval.errors import ConfigError
from acn_eval.gate import Gate, read_gate
from acn_eval.gate.config import is_gate
from acn_eval.gate.plan import PlanRow, variances
from acn_eval.gate.plan import plan as rows_of
from acn_eval.results import EvalResult
from acn_eval.run_options import RunOptions
from acn_eval.statistics.interim import expected_examples
from acn_eval.statistics.power import mde_examples
from acn_eval.statistics.sequential import BLOCK
from acn_eval.terminal.console import console
from acn_eval.terminal.scaling import show_engine
from acn_eval.terminal.tables import Column, show_table
from acn_eval.workflow.planning import Plan

__all__ = ["Planned", "show_plan"]

_DISCORDANCE = 0.06
_DIFFERENCES = (0.1, 0.05, 0.02, 0.0)
_LEGEND = (
    "margin and MDE are in points. MDE: smallest distance from the margin that is reliably "
    "detectable (80 % power); power: how often a candidate that does not differ passes the rule; "
    "examples needed: for a power of 80 %; discordance: share of examples that only one side gets "
    "right."
)


@dataclass(frozen=True)
class Planned:
    """What is assumed of a pair; the names are those of the options."""

    n: int | None
    discordance: float | None
    result: Path | None
    against: Path | None


def show_plan(options: RunOptions, planned: Planned) -> None:
    """Print n, the detectable differences, and the cost."""
    out, name = console(), str(options.suite)
    gate = read_gate(name) if is_gate(name) else None
    options = options if gate is None else workflow.of_gate(options, gate)
    suite = workflow.suite_of(options)
    given = planned.n or (EvalResult.load(planned.result).data.n if planned.result else None)
    cost = workflow.plan_of(options, given) if options.candidates and suite.by_blocks else None
    n, known = cost.n if cost else _images(options, given), _discordance(planned, gate)
    assumed = f"{known:g}, assumed" if isinstance(known, float) else "as measured"
    out.print(f"Suite {suite.name}, n = {n:,}, discordance {assumed}.")
    if gate is not None:
        _show_rules(out, gate, n, rows_of(gate, n, known))
    elif isinstance(known, float):
        least = f"{100 * mde_examples(n, known):.1f} points"
        out.print(
            f"Differences below {least} are not reliably detectable (80 % power, two-sided)."
        )
        if suite.by_blocks:
            out.print(_looks_in_words(n, known, suite.equivalence_margin))
    if cost is not None:
        _show_cost(out, cost, options)
    elif options.candidates:
        said = f"The cost is not estimated: {suite.name} also times, fits or trains networks."
        out.print(said)


def _looks_in_words(n: int, discordance: float, margin: float | None) -> str:
    def stop(difference: float) -> str:
        needed = min(expected_examples(difference, discordance, margin), n)
        return f"{min(math.ceil(needed / BLOCK) * BLOCK, n):,}"

    known = [difference for difference in _DIFFERENCES if difference <= discordance]
    said = ", ".join(f"{stop(points)} at {100 * points:g} points" for points in known)
    said = said.replace(" at ", " examples at a difference of ", 1)
    return f"With --sequential, about half of all runs stop within {said}."


def _show_cost(out: Console, plan: Plan, options: RunOptions) -> None:
    cost, n = plan.price, plan.n
    whose = "both sides" if plan.networks == 2 else f"{plan.networks} networks"
    out.print(
        f"Cost of {whose}: {n * cost.forwards:,.0f} forward passes, "
        f"{n * cost.flops:.3g} FLOPs, about {n * cost.seconds:,.0f} s here "
        f"(extrapolated from {cost.timed} examples)."
    )
    if not options.engine.is_local:
        show_engine(out, plan, options.engine)


def _images(options: RunOptions, given: int | None) -> int:
    if given:
        return given
    if not (options.candidates or options.data.data):
        msg = "plan: examples must be known; give `n`, `data`, `ckpt` or a stored pair"
        raise ConfigError(msg, "n", "data", "ckpt")
    return workflow.count_examples(options)


def _discordance(planned: Planned, gate: Gate | None) -> float | dict[str, float]:
    if not (planned.result and planned.against):
        return planned.discordance or _DISCORDANCE
    if gate is None:
        msg = "plan: `result` and `against` need a gate; give `discordance` instead"
        raise ConfigError(msg, "result", "against", "discordance")
    return variances(gate, EvalResult.load(planned.result), EvalResult.load(planned.against))


def _show_rules(out: Console, gate: Gate, n: int, rows: Sequence[PlanRow]) -> None:
    columns = (
        Column(f"gate {gate.name}"),
        Column("margin"),
        Column("discordance", rank=2),
        Column("MDE", rank=1),
        Column("power"),
        Column("examples needed"),
        Column("notes", text=True),
    )
    cells = [
        (
            row.name,
            f"{100 * row.margin:.1f}",
            f"{100 * row.variance:.1f} %",
            f"{100 * row.mde:.1f}",
            f"{100 * row.power:.0f} %",
            "no number" if row.images_needed is None else f"{row.images_needed:,}",
            "" if row.images_needed and row.images_needed <= n else "too few examples",
        )
        for row in rows
    ]
    show_table(out, columns, cells)
    out.print(_LEGEND, style="dim")
