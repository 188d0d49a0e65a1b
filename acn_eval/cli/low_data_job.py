"""What `acn-eval low-data` does: opens the plan, prices it, or carries it out."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from acn_eval.cli.job import finish, place_of
from acn_eval.cli.progress import bar
from acn_eval.cli.words import console
from acn_eval.errors import ConfigError
from acn_eval.learning import ArmCost, Learned, Plan, costs, learn, open_plan
from acn_eval.suites import LowData, read_suite
from acn_eval.tracking import Recorder

__all__ = ["SUBSETS", "run", "show_plan"]

SUBSETS = "subsets.json"


def run(options: Mapping[str, Any], recorder: Recorder | None) -> None:
    """Train what is missing, compare, keep, record, and say it."""
    with bar("learning", "steps") as progress:
        learned = learn(_plan(options), progress)
    _keep_subsets(learned, options["out"])
    results = [*learned.candidates, *learned.baselines]
    finish(options, results, len(learned.candidates), recorder)


def show_plan(options: Mapping[str, Any]) -> None:
    """Print what a plan costs; a few steps are measured, and nothing is kept of them."""
    plan = _plan(options)
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
    out.print(f"estimated: {_duration(sum(cost.seconds for cost in found))} here; nothing was run")


def _plan(options: Mapping[str, Any]) -> Plan:
    suite = read_suite(options["suite"])
    if not isinstance(suite, LowData):
        command = suite.kind.replace("_", "-")
        msg = f"--suite: must be of kind low_data; got {suite.kind}. Use acn-eval {command}."
        raise ConfigError(msg)
    if options["draws"] is not None:
        suite = suite.model_copy(update={"draws": options["draws"]})
    place = place_of({**options, "batch_size": 256, "precision": "fp32"})
    return open_plan(suite, place, root=options["data_root"], limit=options["limit"])


def _keep_subsets(learned: Learned, folder: Path) -> None:
    """Write the ids of a draw beside each of its two results, before they are recorded."""
    for result in (*learned.candidates, *learned.baselines):
        record = {
            "data": result.checkpoint.training["data"],
            "stream": result.details["stream"],
            "subsets": learned.subsets[result.details["draw"]],
        }
        (result.save(folder) / SUBSETS).write_text(json.dumps(record) + "\n")


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


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
