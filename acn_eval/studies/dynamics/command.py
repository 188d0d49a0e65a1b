"""`acn-eval dynamics`: how exits and gradients grow while networks are trained."""

from typing import Any

import click

from acn_eval.terminal.options import (
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
      four small networks on the embedded digits, in about a minute
  acn-eval dynamics --suite mine.yaml --data-root ~/data
      a recipe of yours; what is finished is not trained again
  acn-eval dynamics --ckpt ac_vit.pt
      a finished checkpoint: the same, at its last step alone

\b
Layer 0 is the embedding, layer i the i-th block; exit k is the network cut after k blocks.
A run that is stopped or killed goes on where it was when the same command is given again."""


@click.command(epilog=_EPILOG, context_settings={"max_content_width": 100})
@click.option(
    "--suite", default="dynamics", show_default=True, help="Shipped suite by name, or a YAML."
)
@click.option(
    "--ckpt",
    multiple=True,
    metavar="FILE",
    help="Look at this finished checkpoint, and train nothing; may be repeated.",
)
@click.option("--arch", help="official/ac-mixer or official/res-mixer, for the authors' files.")
@click.option(
    "--data",
    default="",
    metavar="NAME",
    help="With --ckpt: digits, cifar10, cifar100, npz:PATH or folder:PATH [default: the card's].",
)
@training_options
@output_options
def command(**given: Any) -> None:
    """Train networks that differ in their connectivity alone, and watch each layer.

    Shows per depth the accuracy of the exit, the share of the gradient that comes over the direct
    connection, what is lost without the block, and the stable rank of the features.
    """
    options, output = run_options(**given), output_of(**given)
    with recording(options, output.json_file) as recorder:
        from acn_eval.studies.dynamics.job import run  # imports torch

        run(options, output, recorder)
