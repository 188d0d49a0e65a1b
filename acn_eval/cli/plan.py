"""`acn-eval plan`: what a gate or a suite costs and could see, before it runs."""

from pathlib import Path
from typing import Any

import click

from acn_eval.terminal.options import (
    Range,
    data_options,
    gate_place_options,
    picked,
    reading_options,
    run_options,
)

__all__ = ["command"]

_EPILOG = """\b
Examples:
  acn-eval plan --n 10000 --discordance 0.06
  acn-eval plan --ckpt res_vit.pt
      images, forward passes, FLOPs and time of the shipped gate on this machine
  acn-eval plan --suite my_gate.yaml --result a/DIR --against b/DIR --n 5000
      with the discordance of a pair that was measured"""
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command(epilog=_EPILOG, context_settings={"max_content_width": 100})
@click.option(
    "--suite",
    default="gate",
    show_default=True,
    metavar="YAML",
    help="A gate, or a suite: a shipped one by name, or a YAML.",
)
@click.option("--n", type=click.IntRange(min=2), help="Images [default: those of the data].")
@click.option(
    "--discordance",
    type=Range(0, 1, min_open=True),
    help="Share of images on which the two would differ [default: 0.06].",
)
@click.option("--result", type=_FOLDER, help="Take the discordance from this stored result ...")
@click.option("--against", type=_FOLDER, help="... and this one.")
@click.option(
    "--ckpt", metavar="FILE", help="A checkpoint like those that will run: for the cost."
)
@click.option("--arch", help="official/ac-mixer or official/res-mixer, for the authors' files.")
@data_options
@gate_place_options
@reading_options
def command(**given: Any) -> None:
    """Say what a gate or a suite would cost, and the difference that it could see.

    The numbers of forward passes are for both sides. Power is how often a candidate that does not
    differ from its baseline would clear a rule.
    """
    if bool(given["result"]) != bool(given["against"]):
        raise click.UsageError("give --result and --against together")
    from acn_eval.terminal.planning import Planned, show_plan  # imports torch

    show_plan(run_options(**given), picked(Planned, **given))
