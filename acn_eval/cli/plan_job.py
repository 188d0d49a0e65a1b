"""What `acn-eval plan` computes and prints."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rich.table import Table

from acn_eval.checkpoints import load
from acn_eval.errors import ConfigError
from acn_eval.evaluation import choose, evaluate
from acn_eval.gate import Gate, read_gate
from acn_eval.gate.config import is_gate
from acn_eval.gate.plan import PlanRow, plan, variances
from acn_eval.results import EvalResult
from acn_eval.statistics import mde_images
from acn_eval.studies.read import read_suite
from acn_eval.study.suite import Suite
from acn_eval.terminal.console import console
from acn_eval.terminal.job import runtime_of, selection_of
from acn_eval.terminal.options import of_gate

__all__ = ["run"]

_DISCORDANCE = 0.06
_TIMED = 256
_LEGEND = (
    "margin and MDE in points; MDE: distance from the margin that is seen with 80 % power; power: "
    "how often a candidate that does not differ clears the rule; images needed for a power of 80 %"
)


@dataclass(frozen=True)
class _Cost:
    """Of one image shown to one checkpoint, under all conditions of a suite."""

    forwards: float
    flops: float
    seconds: float
    timed: int


def run(options: Mapping[str, Any]) -> None:
    """Say n, what it could see, and what it would cost."""
    out, name = console(), options["suite"]
    gate = read_gate(name) if is_gate(name) else None
    options = options if gate is None else of_gate(options, gate)
    suite = read_suite(gate.suite if gate else name)
    n, known = _images(options), _discordance(options, gate)
    assumed = f"{known:g}, assumed" if isinstance(known, float) else "as measured"
    out.print(f"suite {suite.name}, n = {n:,}, discordance {assumed}")
    if gate is not None:
        out.print(_table(gate, n, plan(gate, n, known)))
        out.print(_LEGEND, style="dim")
    elif isinstance(known, float):
        found = 100 * mde_images(n, known)
        out.print(f"smallest difference seen with 80 % power: {found:.1f} points, two-sided")
    if options["ckpt"]:
        out.print(_cost_in_words(options, suite, n))


def _cost_in_words(options: Mapping[str, Any], suite: Suite, n: int) -> str:
    """Return what both sides cost, where that grows with the images alone."""
    if not suite.by_blocks:
        return f"cost: not estimated; {suite.name} also times, fits or trains, whatever the images"
    cost = _cost(options, suite)
    return (
        f"cost of both sides: {2 * n * cost.forwards:,.0f} image-forwards, "
        f"{2 * n * cost.flops:.3g} FLOPs, about {2 * n * cost.seconds:,.0f} s here "
        f"(scaled from {cost.timed} images)"
    )


def _images(options: Mapping[str, Any]) -> int:
    """Count the images that a run with these options would show."""
    if options["n"]:
        return int(options["n"])
    if options["result"]:
        return EvalResult.load(options["result"]).data.n
    if not (options["ckpt"] or options["data"]):
        raise ConfigError("plan: images must be known; give --n, --data, --ckpt or a stored pair")
    checkpoints = [load(options["ckpt"], options["arch"])] if options["ckpt"] else []
    return len(choose(checkpoints, selection_of(options)))


def _discordance(options: Mapping[str, Any], gate: Gate | None) -> float | dict[str, float]:
    if not options["result"]:
        return float(options["discordance"] or _DISCORDANCE)
    if gate is None:
        raise ConfigError("plan: --result and --against need a gate; give --discordance instead")
    return variances(gate, *(EvalResult.load(options[side]) for side in ("result", "against")))


def _cost(options: Mapping[str, Any], suite: Suite) -> _Cost:
    """Run a few images and scale: the second of two runs, so that nothing is set up in it."""
    checkpoint = load(options["ckpt"], options["arch"])
    runtime = runtime_of({**options, "no_cache": True})
    limit = min(_TIMED, options["limit"] or _TIMED)
    selection = replace(selection_of(options), limit=limit)
    forwards = [0]

    def count(done: int, total: int) -> None:
        forwards.append(total)

    for _ in range(2):
        start = time.perf_counter()
        (result,) = evaluate([checkpoint], suite, selection, runtime=runtime, progress=count)
        seconds = time.perf_counter() - start
    timed = result.data.n
    each = max(forwards) / timed
    return _Cost(each, each * checkpoint.id.flops, seconds / timed, timed)


def _table(gate: Gate, n: int, rows: Sequence[PlanRow]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(f"gate {gate.name}")
    for name in ("margin", "discordance", "MDE", "power", "images needed", ""):
        table.add_column(name, justify="right")
    for row in rows:
        enough = row.images_needed is not None and row.images_needed <= n
        table.add_row(
            row.name,
            f"{100 * row.margin:.1f}",
            f"{100 * row.variance:.1f} %",
            f"{100 * row.mde:.1f}",
            f"{100 * row.power:.0f} %",
            f"{row.images_needed:,}",
            "" if enough else "too few images",
        )
    return table
