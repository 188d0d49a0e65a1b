"""What `acn-eval low-data` does: prices the plan, or carries it out."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from rich.table import Table

from acn_eval import atomic, workflow
from acn_eval.errors import ConfigError
from acn_eval.results import EvalResult
from acn_eval.run_options import RunOptions
from acn_eval.studies.low_data.costs import SideCost, costs
from acn_eval.studies.low_data.draws import STREAM
from acn_eval.studies.low_data.run import STUDY
from acn_eval.studies.low_data.subsets import Subsets, records
from acn_eval.studies.low_data.suite import LowData, LowDataProbe
from acn_eval.studies.low_data.trained import LowDataStudy
from acn_eval.study.request import Request
from acn_eval.study.run import run as measure
from acn_eval.terminal.comparisons import duration
from acn_eval.terminal.console import console
from acn_eval.terminal.measuring import conclude
from acn_eval.terminal.options import Output
from acn_eval.terminal.progress import bar
from acn_eval.tracking import Recorder
from acn_eval.workflow import Group

__all__ = ["SUBSETS", "run", "show_plan"]

SUBSETS = "subsets.json"


def run(options: RunOptions, output: Output, recorder: Recorder | None) -> None:
    """Measure what is missing, compare, keep, record, and say it."""
    suite = _suite(options)
    if suite.mode == "scratch":
        request: Request[Any] = _of_recipes(options, suite)
        options = replace(options, baselines=())  # the suite names it
    else:
        request = _of_checkpoints(options, suite)
    study = STUDY(request)
    with bar("learning", study.work) as progress:
        results = measure(study, request.runtime, progress)
    _keep_subsets(results, study.subsets, options.out)
    group = Group(results[: suite.draws], results[suite.draws :])
    conclude([group], options, output, recorder)


def show_plan(options: RunOptions) -> None:
    """Print what a plan costs; a few steps are measured, and nothing is kept of them."""
    suite = _suite(options)
    if suite.mode != "scratch":
        msg = f"`plan`: must be of a suite of recipes; {suite.name} asks checkpoints"
        raise ConfigError(msg, "plan")
    request = _of_recipes(options, suite)
    study = LowDataStudy(request)
    plan = study.plan
    out, found = console(), costs(study.units(), request.runtime)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(f"plan of {suite.name}")
    for name in ("trainings", "done", "steps", "examples seen", "TFLOPs", "as one", "seconds"):
        table.add_column(name, justify="right")
    for cost in found:
        table.add_row(*_row(cost))
    out.print(table)
    sizes = ", ".join(str(subset.per_class) for subset in next(iter(plan.subsets.values())))
    out.print(
        f"{plan.pool.name}: {sizes} images per class of {len(plan.pool):,}, "
        f"{suite.draws} draws, {plan.suite.repeats} initializations, {suite.steps:,} "
        f"steps; shown {len(plan.test):,} test images"
    )
    out.print(f"estimated: {duration(sum(cost.seconds for cost in found))} here; nothing was run")


def _suite(options: RunOptions) -> LowData | LowDataProbe:
    return cast(LowData | LowDataProbe, workflow.with_suite(options, "low_data").suite)


def _of_recipes(options: RunOptions, suite: LowData) -> Request[LowData]:
    data = options.data
    named = {"candidates": options.candidates, "baselines": options.baselines}
    given = [name for name, value in {**named, "data": data.data}.items() if value]
    if given:
        msg = f"`{given[0]}`: must be left out where recipes are trained; {suite.name} names them"
        raise ConfigError(msg, given[0])
    return Request(suite, [], data, workflow.runtime_of(options))


def _of_checkpoints(options: RunOptions, suite: LowDataProbe) -> Request[LowDataProbe]:
    if not options.candidates:
        msg = f"`candidates`: must be given; {suite.name} asks a checkpoint"
        raise ConfigError(msg, "candidates")
    sides = workflow.resolve(options)
    if len(sides.candidates) > 1 or len(sides.baselines) > 1:
        msg = "`candidates`, `baselines`: must be one file a side; got several"
        raise ConfigError(msg, "candidates", "baselines")
    runtime, checkpoints = workflow.runtime_of(options), [*sides.candidates, *sides.baselines]
    for checkpoint in checkpoints:
        checkpoint.model.to(runtime.device)
    return Request(suite, checkpoints, options.data, runtime)


def _keep_subsets(results: Sequence[EvalResult], subsets: Subsets, folder: Path) -> None:
    """Write the ids of a draw beside each of its results, before they are recorded."""
    kept = records(subsets)
    for result in results:
        record = {
            "data": result.checkpoint.training["data"],
            "stream": STREAM,
            "subsets": kept[result.details["draw"]],
        }
        atomic.write(result.save(folder) / SUBSETS, json.dumps(record) + "\n")


def _row(cost: SideCost) -> tuple[str, ...]:
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
