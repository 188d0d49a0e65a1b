"""`acn-eval low-data`: who learns more from little data, from recipes to a verdict."""

from typing import Any

import click

from acn_eval.terminal.options import (
    Titled,
    arch_option,
    baseline_arch_option,
    output_of,
    output_options,
    run_options,
    training_options,
)
from acn_eval.terminal.recording import recording

__all__ = ["command"]

_EPILOG = """\b
Examples:
  acn-eval low-data
      small networks, in half a minute
  acn-eval low-data --suite low_data --plan
      what the plan of the shipped ViTs costs
  acn-eval low-data --suite low_data --draws 10
      more draws: the best use of a larger budget
  acn-eval low-data --suite low_data_text
      networks that read sentences
  acn-eval low-data --suite mine.yaml --data-root ~/data
  acn-eval low-data --suite low_data_probe \\
      --ckpt digits04/ac_vit.pt
      probes of frozen features on five unseen digits

A suite that trains names both recipes, the sizes, and one number of steps for all.
A run that was stopped or killed resumes when the same command is given again."""


@click.command(cls=Titled, epilog=_EPILOG)
@click.option(
    "--suite",
    default="low_data_demo",
    help="Shipped suite (low_data_demo, low_data, low_data_text, low_data_probe, "
    "low_data_fine_tune), or a YAML.",
)
@click.option("--ckpt", metavar="FILE", help="Checkpoint, for a suite that probes or tunes it.")
@click.option(
    "--baseline",
    metavar="FILE",
    show_default="the one that its card names",
    help="Checkpoint to compare with.",
)
@arch_option
@baseline_arch_option
@click.option("--plan", "only_plan", is_flag=True, help="Print the cost, and run nothing.")
@click.option("--draws", type=click.IntRange(1, 1000), help="Draws, instead of the suite's.")
@click.option(
    "--data",
    metavar="NAME",
    show_default="what the card names",
    help="Data to probe on, of `acn-eval list data`, e.g. digits, glue:sst2 or tsv:PATH.",
)
@click.option(
    "--classes",
    metavar="LIST",
    show_default="those that are new to the networks",
    help="Use these classes of --data only: names, or 0-4,7.",
)
@training_options
@output_options
def command(only_plan: bool, **given: Any) -> None:
    """Train two networks on few examples and compare the areas under their learning curves.

    Both sides see the same nested subsets, initialization seeds and number of steps. A draw of
    the subsets is the unit: with fewer than five draws nothing is claimed. Beside the accuracies
    stand the losses, and how much of the variance is due to draw, initialization and test
    examples.
    """
    options, output = run_options("draws", **given), output_of(**given)
    if only_plan:
        from acn_eval.terminal.costs import show_costs  # imports torch

        show_costs(options, kind="low_data")
        return
    with recording(options, output.json_file) as recorder:
        from acn_eval.terminal.measuring import measure

        measure(options, output, recorder, kind="low_data")
