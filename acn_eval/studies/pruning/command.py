"""`acn-eval pruning`: accuracy over the share of weights that is removed."""

from pathlib import Path
from typing import Any

import click

from acn_eval.terminal.options import (
    Range,
    Titled,
    checkpoint_options,
    export_option,
    output_of,
    run_options,
    side_options,
)
from acn_eval.terminal.recording import recording

__all__ = ["command"]

_EPILOG = """\b
Examples:
  acn-eval pruning --ckpt ac_vit.pt
      the shipped pair, with short trainings
  acn-eval pruning --ckpt ac_vit.pt --suite pruning_paper
      the methods of the paper, in whole epochs
  acn-eval pruning --ckpt ac_vit.pt \\
      --suite pruning_structured
      whole hidden units: smaller and faster networks
  acn-eval pruning --ckpt ac_vit.pt --export small.pt \\
      --method magnitude --sparsity 0.6
      write one of the pruned networks

Unstructured zeros save neither dense FLOPs nor time; the table also shows what a sparse kernel
would save. The method structured removes whole hidden units of every MLP instead and writes a
smaller network; it needs pip install 'acn-eval[structured]'. Nothing is chosen on test examples;
the accuracy on validation examples is recorded."""


@click.command(cls=Titled, epilog=_EPILOG)
@side_options
@click.option(
    "--suite",
    default="pruning",
    help="Shipped suite (pruning, pruning_paper, pruning_structured), or a YAML.",
)
@export_option("pruned")
@click.option("--method", help="Method of the export, e.g. magnitude or movement_40.")
@click.option(
    "--sparsity",
    type=Range(0, 1, max_open=True),
    help="Sparsity of the export, one of the suite's.",
)
@checkpoint_options
def command(
    export_to: Path | None, method: str | None, sparsity: float | None, **given: Any
) -> None:
    """Prune both networks by every method of a suite, and compare their accuracy.

    The table shows every method and sparsity with intervals. The primary endpoint is the area
    under accuracy over the share of weights that is kept.
    """
    options, output = run_options(**given), output_of(**given)
    with recording(options, output.json_file, export_to) as recorder:
        from acn_eval import workflow
        from acn_eval.studies.pruning.export import export_of, write  # imports torch
        from acn_eval.terminal.measuring import measure

        options = workflow.with_suite(options, "pruning")
        chosen = export_of(options, export_to, method, sparsity)
        measure(options, output, recorder, kind="pruning")
        if chosen is not None:
            output.say(write(options, chosen))
