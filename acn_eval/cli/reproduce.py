"""`acn-eval reproduce TABLE`: a table of the paper, from recipes to numbers beside the paper's."""

from pathlib import Path
from typing import Any

import click

from acn_eval.errors import ConfigError
from acn_eval.lazy import uncollected
from acn_eval.terminal.options import (
    Titled,
    compute_options,
    data_root_option,
    output_of,
    output_options,
    run_options,
)
from acn_eval.terminal.recording import recording

__all__ = ["command"]

_EPILOG = """\b
Examples:
  acn-eval list tables
  acn-eval reproduce digits-demo
      small Mixers on the embedded digits, in a minute
  acn-eval reproduce mixer-cifar10 --plan
      what the paper's own Mixers would take
  acn-eval reproduce mine.yaml --seeds 3 --out mine

Every network is trained with every seed, at equal budgets, into OUT/TABLE. What stands there is
checked to be of its recipe and kept: the same command resumes where it was stopped or killed. With
--workers 4, four trainings run at once."""


@click.command(cls=Titled, epilog=_EPILOG)
@click.argument("table")
@click.option("--plan", "only_plan", is_flag=True, help="Print the hours, and run nothing.")
@click.option(
    "--seeds",
    type=click.IntRange(1, 1000),
    show_default="the table's",
    help="Trainings of every network.",
)
@data_root_option
@compute_options
@output_options
def command(table: str, only_plan: bool, seeds: int | None, **given: Any) -> None:
    """Train the networks of a TABLE of the paper and compare them by its studies.

    TABLE is the name of a shipped one, or a YAML. The output shows every study with seeds as
    architectures, as its own command does, and what the paper reports beside it.
    """
    if given["allow_mixed"]:  # a file that is kept would not tell which worker trained it
        msg = "`allow_mixed`: must be left out, because trained files are kept; got it"
        raise ConfigError(msg, "allow_mixed")
    options = run_options(**given, no_cache=False, limit=None)
    output = output_of(**given)
    if output.json_file == "-":
        raise ConfigError("`json`: must be a file, which is written once per study; got -", "json")
    with uncollected():
        from acn_eval.terminal.reproducing import reproduce, show_hours
        from acn_eval.workflow.paper import read_table

    wanted = read_table(table)
    if seeds:
        wanted = wanted.model_copy(update={"seeds": seeds})
    folder = options.out / Path(table).stem
    if only_plan:
        show_hours(wanted, folder, options)
        return
    with recording(options, output.json_file) as recorder:
        reproduce(wanted, folder, options, output, recorder)
