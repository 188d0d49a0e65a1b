"""What `acn-eval continual` does: opens the plan, prices it, or carries it out."""

import json
from pathlib import Path
from typing import cast

from rich.table import Table

from acn_eval import atomic, workflow
from acn_eval.results import EvalResult
from acn_eval.run_options import RunOptions
from acn_eval.studies.continual.costs import costs
from acn_eval.studies.continual.run import ContinualStudy
from acn_eval.studies.continual.suite import Continual
from acn_eval.study.request import Request
from acn_eval.study.run import run as measure
from acn_eval.terminal.comparisons import duration
from acn_eval.terminal.console import console
from acn_eval.terminal.measuring import conclude
from acn_eval.terminal.options import Output
from acn_eval.terminal.progress import bar
from acn_eval.tracking import Recorder
from acn_eval.workflow import Group

__all__ = ["TASKS", "run", "show_plan"]

TASKS = "tasks.json"


def run(options: RunOptions, output: Output, recorder: Recorder | None) -> None:
    """Train what is missing, compare, keep, record, and say it."""
    study = _study(options)
    with bar("learning", study.work) as progress:
        results = measure(study, study.request.runtime, progress)
    _keep_tasks(results, options.out)
    groups = [Group(list(own[:n]), list(own[n:])) for own, n in study.groups(results)]
    conclude(groups, options, output, recorder)


def show_plan(options: RunOptions) -> None:
    """Print what a plan costs; a few steps are measured, and nothing is kept of them."""
    study = _study(options)
    plan, suite = study.plan, study.plan.suite
    runs = [unit.run for unit in study.units()]
    out, found = console(), costs(runs, study.request.runtime)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(f"plan of {suite.name}")
    for name in ("trainings", "done", "steps", "TFLOPs", "seconds"):
        table.add_column(name, justify="right")
    for cost in found:
        table.add_row(
            cost.name,
            f"{cost.trainings:,}",
            f"{cost.done:,}",
            f"{cost.steps:,}",
            f"{cost.flops / 1e12:.2f}",
            f"{cost.seconds:,.0f}",
        )
    out.print(table)
    out.print(
        f"{plan.train.name}: {suite.tasks} tasks of {len(plan.train.classes) // suite.tasks} "
        f"classes of {len(plan.train):,} images, {suite.seeds} seeds; shown {len(plan.test):,} "
        "test images after every task"
    )
    out.print(f"estimated: {duration(sum(cost.seconds for cost in found))} here; nothing was run")


def _study(options: RunOptions) -> ContinualStudy:
    suite = cast(Continual, workflow.with_suite(options, "continual").suite)
    return ContinualStudy(Request(suite, (), options.data, workflow.runtime_of(options)))


def _keep_tasks(results: list[EvalResult], folder: Path) -> None:
    """Write the tasks beside each result, before it is recorded."""
    for result in results:
        text = json.dumps(result.details["tasks"], indent=1) + "\n"
        atomic.write(result.save(folder) / TASKS, text)
