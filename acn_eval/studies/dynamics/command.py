"""`acn-eval dynamics`: how exits and gradients grow while networks are trained."""

from typing import Any

import click

from acn_eval.terminal.options import (
    Titled,
    arch_option,
    output_of,
    output_options,
    run_options,
    training_options,
)
from acn_eval.terminal.recording import recording

__all__ = ["command"]

_EPILOG = """\b
Examples:
  acn-eval dynamics
      four small networks, in about a minute
  acn-eval dynamics --suite mine.yaml --data-root ~/data
      a recipe of yours; finished trainings are kept
  acn-eval dynamics --suite dynamics_vit --plan
      what ViTs with and without a skip around
      attention cost; without --plan, they run
  acn-eval dynamics --suite dynamics_text
      BERTs that find masked tokens
  acn-eval dynamics --ckpt ac_vit.pt
      a finished checkpoint, at its last step alone

Layer 0 is the embedding, layer i the i-th block; exit k is the network cut after k blocks.
A run that was stopped or killed resumes when the same command is given again."""


@click.command(cls=Titled, epilog=_EPILOG)
@click.option("--suite", default="dynamics", help="Shipped suite by name, or a YAML.")
@click.option("--plan", "only_plan", is_flag=True, help="Print the cost, and run nothing.")
@click.option(
    "--ckpt",
    multiple=True,
    metavar="FILE",
    help="Observe this finished checkpoint, and train nothing; may be repeated.",
)
@arch_option
@click.option(
    "--data",
    metavar="NAME",
    show_default="what the card names",
    help="With --ckpt, of `acn-eval list data`, e.g. digits, glue:sst2 or tsv:PATH.",
)
@training_options
@output_options
def command(only_plan: bool, **given: Any) -> None:
    """Train networks that differ in their connectivity alone, and watch each layer.

    Shows per depth the accuracy of the exit, the share of the gradient that comes over the direct
    connection, what is lost without the block, and the stable rank of the features; and whether
    outputs still differ over tokens and over examples, at initialization and as trained.
    """
    options, output = run_options(**given), output_of(**given)
    if only_plan:
        from acn_eval.terminal.costs import show_costs  # imports torch

        show_costs(options, kind="dynamics")
        return
    with recording(options, output.json_file) as recorder:
        from acn_eval.terminal.measuring import measure

        measure(options, output, recorder, kind="dynamics")
