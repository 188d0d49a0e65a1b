"""What `acn-eval low-data` does: opens the plan, prices it, or carries it out."""

import json
from dataclasses import replace
from pathlib import Path
from typing import cast

from rich.table import Table

from acn_eval import atomic, workflow
from acn_eval.errors import ConfigError
from acn_eval.evaluation import choose
from acn_eval.run_options import RunOptions
from acn_eval.studies.low_data.costs import ArmCost, costs
from acn_eval.studies.low_data.plan import Plan, open_plan
from acn_eval.studies.low_data.probe import Probed, probe
from acn_eval.studies.low_data.run import Learned, learn
from acn_eval.studies.low_data.suite import LowData, LowDataProbe
from acn_eval.terminal.comparisons import duration
from acn_eval.terminal.console import console
from acn_eval.terminal.measuring import conclude
from acn_eval.terminal.options import Output
from acn_eval.terminal.progress import bar
from acn_eval.tracking import Recorder
from acn_eval.workflow import Group, Sides

__all__ = ["SUBSETS", "run", "show_plan"]

SUBSETS = "subsets.json"


def run(options: RunOptions, output: Output, recorder: Recorder | None) -> None:
    """Learn what is missing, compare, keep, record, and say it."""
    suite = _suite(options)
    if suite.mode == "scratch":
        learned = _trained(options, suite)
        options = replace(options, baselines=())  # the suite names it
    else:
        learned = _probed(options, suite)
    _keep_subsets(learned, options.out)
    conclude([Group(learned.candidates, learned.baselines)], options, output, recorder)


def show_plan(options: RunOptions) -> None:
    """Print what a plan costs; a few steps are measured, and nothing is kept of them."""
    plan = _plan(options, _suite(options))
    out, found = console(), costs(plan)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(f"plan of {plan.suite.name}")
    for name in ("trainings", "done", "steps", "examples seen", "TFLOPs", "as one", "seconds"):
        table.add_column(name, justify="right")
    for cost in found:
        table.add_row(*_row(cost))
    out.print(table)
    out.print(
        f"{plan.pool.name}: {_sizes(plan)} images per class of {len(plan.pool):,}, "
        f"{plan.suite.draws} draws, {plan.suite.repeats} initialisations, {plan.suite.steps:,} "
        f"steps; shown {len(plan.test):,} test images"
    )
    out.print(f"estimated: {duration(sum(cost.seconds for cost in found))} here; nothing was run")


def _suite(options: RunOptions) -> LowData | LowDataProbe:
    return cast(LowData | LowDataProbe, workflow.with_suite(options, "low_data").suite)


def _trained(options: RunOptions, suite: LowData) -> Learned:
    with bar("learning", "steps") as progress:
        return learn(_plan(options, suite), progress)


def _plan(options: RunOptions, suite: LowData | LowDataProbe) -> Plan:
    if suite.mode != "scratch":
        msg = f"`plan`: must be of a suite of recipes; {suite.name} asks checkpoints"
        raise ConfigError(msg, "plan")
    data = options.data
    named = {"candidates": options.candidates, "baselines": options.baselines}
    given = [name for name, value in {**named, "data": data.data}.items() if value]
    if given:
        msg = f"`{given[0]}`: must be left out where recipes are trained; {suite.name} names them"
        raise ConfigError(msg, given[0])
    return open_plan(suite, workflow.runtime_of(options), root=data.root, limit=data.limit)


def _probed(options: RunOptions, suite: LowDataProbe) -> Learned:
    if not options.candidates:
        msg = f"`candidates`: must be given; {suite.name} asks a checkpoint"
        raise ConfigError(msg, "candidates")
    sides = _one_each(workflow.resolve(options))
    both = [*sides.candidates, *sides.baselines]
    test = choose(both, options.data, "test", reads_head=False)
    selection = replace(options.data, limit=None)
    pool = choose(both, selection, "train", reads_head=False).labelled_as(test)
    tunes = suite.mode == "fine_tune"
    runtime = workflow.runtime_of(options)
    with bar(*("fine-tuning", "trainings") if tunes else ("showing", "images")) as progress:
        return probe(Probed(suite, pool, test, runtime), both, progress)


def _one_each(sides: Sides) -> Sides:
    if len(sides.candidates) > 1 or len(sides.baselines) > 1:
        msg = "`candidates`, `baselines`: must be one file a side; got several"
        raise ConfigError(msg, "candidates", "baselines")
    return sides


def _keep_subsets(learned: Learned, folder: Path) -> None:
    """Write the ids of a draw beside each of its two results, before they are recorded."""
    for result in (*learned.candidates, *learned.baselines):
        record = {
            "data": result.checkpoint.training["data"],
            "stream": result.details["stream"],
            "subsets": learned.subsets[result.details["draw"]],
        }
        atomic.write(result.save(folder) / SUBSETS, json.dumps(record) + "\n")


def _row(cost: ArmCost) -> tuple[str, ...]:
    return (
        cost.name,
        f"{cost.trainings:,}",
        f"{cost.done:,}",
        f"{cost.steps:,}",
        f"{cost.examples:,}",
        f"{cost.flops / 1e12:.2f}",
        str(cost.together),
        f"{cost.seconds:,.0f}",
    )


def _sizes(plan: Plan) -> str:
    return ", ".join(str(s.per_class) for s in next(iter(plan.subsets.values())))
