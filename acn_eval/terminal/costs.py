"""Prints what a plan of trainings costs, before any of them starts."""

from dataclasses import replace
from typing import Any

from acn_eval import workflow
from acn_eval.errors import ConfigError
from acn_eval.run_options import RunOptions
from acn_eval.study.run import bundles
from acn_eval.study.trainings import TrainingStudy
from acn_eval.terminal.comparisons import duration
from acn_eval.terminal.console import console
from acn_eval.terminal.scaling import show_trainings
from acn_eval.terminal.tables import Column, show_table

__all__ = ["show_costs"]


def show_costs(options: RunOptions, *, kind: str) -> None:
    """Print what the trainings of a suite cost; a few steps are measured, and nothing is kept.

    Raises:
        ConfigError: the suite is of another kind or trains nothing, or checkpoints are named.
    """
    suite = workflow.suite_of(options, kind)
    asks = {"none", "optional"} if not options.candidates else {"none"}
    if suite.checkpoints not in asks:
        msg = f"`plan`: must be of a suite that trains networks of its own; got {suite.name}"
        raise ConfigError(msg, "plan")
    here = replace(options, engine=options.engine.in_this_process())
    asked = workflow.ask(here, workflow.resolve(options))
    assert isinstance(asked, TrainingStudy)
    costs, out = asked.costs(), console()
    columns = (
        Column(f"plan of {suite.name}"),
        Column("trainings"),
        Column("done"),
        Column("steps"),
        Column("examples seen", rank=3),
        Column("TFLOPs"),
        Column("as one", rank=4),
        Column("seconds"),
    )
    rows = [
        (
            cost.name,
            f"{cost.trainings:,}",
            f"{cost.done:,}",
            f"{cost.steps:,}",
            "" if cost.examples is None else f"{cost.examples:,}",
            f"{cost.flops / 1e12:.2f}",
            "" if cost.together == 1 else str(cost.together),
            f"{cost.seconds:,.0f}",
        )
        for cost in costs
    ]
    show_table(out, columns, rows)
    out.print(asked.scale)
    seconds = sum(cost.seconds for cost in costs)
    out.print(f"estimated: {duration(seconds)} on this machine; nothing was run")
    if not options.engine.is_local:
        show_trainings(out, _shares(asked, seconds), options.engine)


def _shares(asked: TrainingStudy[Any], seconds: float) -> list[float]:
    """Return the seconds of each task that is left, in proportion to its steps."""
    store = asked.request.runtime.store
    left = [unit for unit in asked.units() if store.read(unit.address) is None]
    steps = [sum(left[i].cost for i in own) for own in bundles(left)]
    return [seconds * own / sum(steps) for own in steps]
