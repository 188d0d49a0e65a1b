"""`acn-eval compression`: accuracy of every exit, the layers that are needed, and their cost."""

from pathlib import Path
from typing import Any

import click

from acn_eval.terminal.options import (
    Range,
    data_options,
    output_options,
    place_options,
    side_options,
)
from acn_eval.terminal.recording import recording

__all__ = ["command"]

_EPILOG = """\b
Examples:
  acn-eval compression --ckpt ac_vit.pt
      the shipped pair on the embedded digits
  acn-eval compression --ckpt 'ac_vit.pt,seeds/ac_vit_*.pt' \\
      --baseline 'res_vit.pt,seeds/res_vit_*.pt'
      five training seeds a side: a statement about the architectures
  acn-eval compression --ckpt ac_vit.pt --export cut.pt
      write the network without the blocks that are proven superfluous
  acn-eval compression --ckpt ac_vit.pt --suite difficulty
      the same on the first 2, 5 and 10 classes

\b
Exit k is the network cut after k blocks. The cut is the first exit from which on every exit
loses at most the tolerance; validation chooses it, and the test images prove its limits."""


@click.command(epilog=_EPILOG, context_settings={"max_content_width": 100})
@side_options
@click.option(
    "--suite", default="compression", show_default=True, help="Shipped suite by name, or a YAML."
)
@click.option(
    "--tolerance",
    type=Range(0, 1, min_open=True, max_open=True),
    help="Accuracy that may be lost, e.g. 0.005 for half a point.",
)
@click.option(
    "--export",
    "export_to",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the first checkpoint, cut, as .pt or .safetensors.",
)
@click.option(
    "--at",
    "exit_at",
    type=click.IntRange(min=0),
    help="Cut there [default: the proven cut, the upper limit on the test images].",
)
@data_options
@place_options
@output_options
def command(**options: Any) -> None:
    """Measure every exit in one pass, and find how many layers the network needs.

    The table shows each exit's accuracy with intervals, the cut with its proven limits, what the
    cut network costs beside the whole one, and what early exit saves.
    """
    from acn_eval.studies.compression.job import run  # torch is imported below this line only

    with recording(options) as recorder:
        run(options, recorder)
