"""`acn-eval robustness`: accuracy under noise, paired with a baseline."""

from typing import Any

import click

from acn_eval.terminal.options import (
    Titled,
    checkpoint_options,
    output_of,
    run_options,
    side_options,
)
from acn_eval.terminal.recording import recording

__all__ = ["command"]

_EPILOG = """\b
Examples:
  acn-eval robustness --ckpt ac_vit.pt
      the shipped pair on the embedded digits
  acn-eval robustness \\
      --ckpt 'ac_vit.pt,seeds/ac_vit_*.pt' \\
      --baseline 'res_vit.pt,seeds/res_vit_*.pt'
      five seeds a side: about architectures, not files
  acn-eval robustness --ckpt ac_mixer.pt \\
      --suite robustness_common
  acn-eval robustness --ckpt model.pth.tar \\
      --arch official/ac-mixer --no-baseline

The result goes to --out and to MLflow; `acn-eval ui` opens the charts."""


@click.command(cls=Titled, epilog=_EPILOG)
@side_options
@click.option("--suite", default="robustness", help="Shipped suite by name, or a YAML.")
@click.option("--repeats", type=click.IntRange(1, 100), help="Noise draws per example.")
@click.option(
    "--sequential",
    is_flag=True,
    help="Compare two files after every 256 examples, and stop as soon as there is a verdict.",
)
@checkpoint_options
def command(sequential: bool, **given: Any) -> None:
    """Measure accuracy under noise and pair it, example by example, with a baseline.

    Every checkpoint is shown the same noise on the same examples. The table shows each condition
    with simultaneous intervals and adjusted p values. The verdict is about the mean corrupted
    accuracy. A tie is claimed only within the margin that the suite states.
    """
    options, output = run_options("repeats", **given), output_of(**given)
    with recording(options, output.json_file) as recorder:
        if sequential:
            from acn_eval.terminal.sequential import measure_in_blocks  # imports torch

            measure_in_blocks(options, output, recorder, kind="robustness")
        else:
            from acn_eval.terminal.measuring import measure

            measure(options, output, recorder, kind="robustness")
