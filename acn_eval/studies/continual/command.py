"""`acn-eval continual`: tasks learned in turn, what is forgotten, and whether a remedy helps."""

from typing import Any

import click

from acn_eval.terminal.options import (
    Titled,
    output_of,
    output_options,
    run_options,
    training_options,
)
from acn_eval.terminal.recording import recording

__all__ = ["command"]

_EPILOG = """\b
Examples:
  acn-eval continual
      five tasks of two digits, in a minute and a half
  acn-eval continual --suite continual --plan
      what every method on the digits costs
  acn-eval continual --suite split-cifar100-acn
      the paper's protocol; days on a CPU: see --plan
  acn-eval continual --suite split-cifar100-acn \\
      --depth 5 --seeds 3
  acn-eval continual --suite mine.yaml \\
      --data npz:mine --data-root ~/data

Every task is learned once, in an order of classes that the seed draws, alike for both sides.
A run that was stopped or killed resumes when the same command is given again."""


@click.command(cls=Titled, epilog=_EPILOG)
@click.option(
    "--suite",
    default="split-digits",
    help="Shipped suite (continual, split-digits, split-cifar100-acn, ...), or a YAML.",
)
@click.option("--plan", "only_plan", is_flag=True, help="Print the cost, and run nothing.")
@click.option("--seeds", type=click.IntRange(1, 1000), help="Seeds, instead of the suite's.")
@click.option(
    "--depth",
    "depths",
    type=click.IntRange(min=1),
    multiple=True,
    help="Depth of the networks, instead of the suite's; may be repeated.",
)
@click.option(
    "--data",
    metavar="NAME",
    help="Data, instead of the suite's: digits, cifar10, cifar100, npz:PATH or folder:PATH.",
)
@training_options
@output_options
def command(only_plan: bool, **given: Any) -> None:
    """Train two networks on one task after another, and see what is left of the first ones.

    Shows average accuracy and forgetting with the task of an image known and unknown, for every
    method and depth of the suite. A seed is the unit: with fewer than three nothing is claimed.
    """
    options, output = run_options("seeds", "depths", "data", **given), output_of(**given)
    if only_plan:
        from acn_eval.terminal.costs import show_costs  # imports torch

        show_costs(options, kind="continual")
        return
    with recording(options, output.json_file) as recorder:
        from acn_eval.terminal.measuring import measure

        measure(options, output, recorder, kind="continual")
