"""`acn-eval plan`: what a gate or a suite costs and can detect, before it runs."""

from typing import Any

import click

from acn_eval.lazy import uncollected
from acn_eval.terminal.options import (
    FOLDER,
    Range,
    Titled,
    arch_option,
    data_options,
    gate_place_options,
    picked,
    reading_options,
    run_options,
    tracking_option,
)
from acn_eval.terminal.titled import titled

__all__ = ["command"]

_network = titled("Networks")

_EPILOG = """\b
Examples:
  acn-eval plan --n 10000 --discordance 0.06
  acn-eval plan --ckpt res_vit.pt
      examples, forward passes, FLOPs and time
      of the shipped gate on this machine
  acn-eval plan --suite my_gate.yaml \\
      --result a/DIR --against b/DIR --n 5000
      with the discordance of a measured pair
  acn-eval plan --suite robustness --workers 64 \\
      --ckpt a.pt b.pt --data folder:my_images
      time on 1, 2, 4, ... 64 workers, and bytes"""


@click.command(cls=Titled, epilog=_EPILOG)
@click.option(
    "--suite",
    default="gate",
    metavar="YAML",
    help="A gate or a suite: the name of a shipped one, or a YAML.",
)
@click.option(
    "--n",
    type=click.IntRange(min=2),
    show_default="those of the data",
    help="Number of examples.",
)
@click.option(
    "--discordance",
    type=Range(0, 1, min_open=True),
    show_default="0.06",
    help="Share of the examples on which the two networks differ.",
)
@click.option("--result", type=FOLDER, help="Take the discordance from this stored result ...")
@click.option("--against", type=FOLDER, help="... and this one.")
@_network(
    "--ckpt",
    multiple=True,
    listed=True,
    metavar="FILE...",
    help="The networks that will run; one stands for both sides.",
)
@arch_option
@data_options
@gate_place_options
@tracking_option
@reading_options
def command(**given: Any) -> None:
    """Estimate what a gate or a suite costs, and which differences it can detect.

    Forward passes are counted for both sides, or for all networks where --ckpt names several.
    Power is the probability that a candidate which does not differ from its baseline passes a
    rule. With --workers, a run on 1, 2, 4, ... workers is simulated from what a few examples cost.
    """
    if bool(given["result"]) != bool(given["against"]):
        raise click.UsageError("give --result and --against together")
    with uncollected():
        from acn_eval.terminal.planning import Planned, show_plan  # imports torch

    show_plan(run_options(**given), picked(Planned, **given))
