"""Prints how long a run would take on more and more workers, and what limits it."""

import math
from collections.abc import Sequence

from rich.console import Console

from acn_eval.engine.choice import EngineChoice
from acn_eval.terminal.comparisons import duration
from acn_eval.terminal.tables import Column, show_table
from acn_eval.workflow.planning import Plan, Wall, doubled, seconds_to_start, walls

__all__ = ["show_engine", "show_trainings"]

_NOTE = "Workers are taken to be warm, equally fast, and to share nothing."


def show_engine(out: Console, plan: Plan, engine: EngineChoice) -> None:
    """Print units, tasks, wall times, bytes, and where the driver is the limit."""
    found = [plan.on(workers) for workers in doubled(engine.places)]
    each = plan.n * plan.price.seconds / len(plan.units)
    threads = engine.fixed_threads
    out.print(
        f"Engine {engine.engine}: {len(plan.units):,} units in {plan.bundles:,} "
        f"bundle{'s' * (plan.bundles != 1)}, about "
        f"{_seconds(each)} each with {threads} thread{'s' * (threads != 1)}."
    )
    _show(out, found)
    most = found[-1].most
    limit = f"keeps about {most:,.0f} workers busy" if most < math.inf else "is never the limit"
    out.print(
        f"Sent: {_bytes(plan.shared)} of networks once to each worker, {_bytes(found[-1].sent)} "
        f"of examples in all; {_bytes(plan.returned)} of outcomes come back. The driver {limit}."
    )
    out.print(_start(), style="dim")


def show_trainings(out: Console, seconds: Sequence[float], engine: EngineChoice) -> None:
    """Print wall times of trainings that take so long, each of them on one worker."""
    _show(out, walls(seconds, doubled(engine.places)))
    out.print(_start(), style="dim")


def _start() -> str:
    return f"{_NOTE} A worker starts in about {seconds_to_start():.1f} s, which comes on top."


def _show(out: Console, found: Sequence[Wall]) -> None:
    columns = (
        Column("workers"),
        Column("tasks"),
        Column("wall time"),
        Column("driver busy", rank=1),
    )
    rows = [
        (
            f"{own.workers:,}",
            f"{own.tasks:,}",
            _seconds(own.seconds),
            f"{100 * own.driver:.1f} %" if own.driver else "",
        )
        for own in found
    ]
    show_table(out, columns, rows)


def _seconds(value: float) -> str:
    if value >= 10:
        return duration(value)
    return f"{value:.1f} s" if value >= 1 else f"{1000 * value:.0f} ms"


def _bytes(count: float) -> str:
    unit, size = ("GB", 1e9) if count >= 1e9 else ("MB", 1e6)
    return f"{count / size:,.1f} {unit}"
