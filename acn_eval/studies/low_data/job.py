"""What `acn-eval low-data` does: opens the plan, prices it, or carries it out."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from rich.table import Table

from acn_eval import atomic
from acn_eval.errors import ConfigError
from acn_eval.evaluation import choose
from acn_eval.inference import Runtime
from acn_eval.studies.low_data.costs import ArmCost, costs
from acn_eval.studies.low_data.plan import Plan, open_plan
from acn_eval.studies.low_data.probe import Probed, probe
from acn_eval.studies.low_data.run import Learned, learn
from acn_eval.studies.low_data.suite import LowData, LowDataProbe
from acn_eval.studies.read import read_suite
from acn_eval.terminal.console import console
from acn_eval.terminal.job import finish, runtime_of, selection_of, sides_of
from acn_eval.terminal.progress import bar
from acn_eval.terminal.tables import duration
from acn_eval.tracking import Recorder

__all__ = ["SUBSETS", "run", "show_plan"]

SUBSETS = "subsets.json"


def run(options: Mapping[str, Any], recorder: Recorder | None) -> None:
    """Learn what is missing, compare, keep, record, and say it."""
    suite = _suite(options)
    if suite.mode == "scratch":
        learned = _trained(options, suite)
        options = {k: v for k, v in options.items() if k != "baseline"}  # the suite names it
    else:
        learned = _probed(options, suite)
    _keep_subsets(learned, options["out"])
    results = [*learned.candidates, *learned.baselines]
    finish(options, results, len(learned.candidates), recorder)


def show_plan(options: Mapping[str, Any]) -> None:
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


def _suite(options: Mapping[str, Any]) -> LowData | LowDataProbe:
    suite = cast(LowData | LowDataProbe, read_suite(options["suite"], "low_data"))
    if options["draws"] is None:
        return suite
    return suite.model_copy(update={"draws": options["draws"]})


def _trained(options: Mapping[str, Any], suite: LowData) -> Learned:
    with bar("learning", "steps") as progress:
        return learn(_plan(options, suite), progress)


def _plan(options: Mapping[str, Any], suite: LowData | LowDataProbe) -> Plan:
    if suite.mode != "scratch":
        raise ConfigError(f"--plan: must be of a suite of recipes; {suite.name} asks checkpoints")
    given = [name for name in ("ckpt", "baseline", "data", "classes") if options[name]]
    if given:
        msg = f"--{given[0]}: must be left out where recipes are trained; {suite.name} names them"
        raise ConfigError(msg)
    return open_plan(suite, _place(options), root=options["data_root"], limit=options["limit"])


def _probed(options: Mapping[str, Any], suite: LowDataProbe) -> Learned:
    if not options["ckpt"]:
        raise ConfigError(f"--ckpt: must be given; {suite.name} asks a checkpoint")
    fixed = {"arch": None, "baseline_arch": None, "no_baseline": False}
    one = {name: [options[name]] if options[name] else [] for name in ("ckpt", "baseline")}
    sides = sides_of({**options, **fixed, **one})
    both = [*sides.candidates, *sides.baselines]
    if len(sides.candidates) > 1 or len(sides.baselines) > 1:
        raise ConfigError("--ckpt, --baseline: must be one file a side; got several")
    selection = selection_of(
        {**options, "class_map": None, "class_order": None, "restrict": False}
    )
    test = choose(both, selection, "test", reads_head=False)
    pool = choose(both, replace(selection, limit=None), "train", reads_head=False).labelled_as(
        test
    )
    tunes = suite.mode == "fine_tune"
    with bar(*("fine-tuning", "trainings") if tunes else ("showing", "images")) as progress:
        return probe(Probed(suite, pool, test, _place(options)), both, progress)


def _place(options: Mapping[str, Any]) -> Runtime:
    return runtime_of({**options, "batch_size": 256, "precision": "fp32"})


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
