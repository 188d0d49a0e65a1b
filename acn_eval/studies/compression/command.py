"""`acn-eval compression`: accuracy of every exit, the layers that are needed, and their cost."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from acn_eval.errors import ConfigError
from acn_eval.run_options import RunOptions
from acn_eval.terminal.options import (
    Output,
    Range,
    Titled,
    checkpoint_options,
    export_option,
    output_of,
    run_options,
    side_options,
)
from acn_eval.terminal.recording import recording

if TYPE_CHECKING:
    from acn_eval.studies.compression.suite import Compression
    from acn_eval.tracking import Recorder
    from acn_eval.workflow import Done

__all__ = ["command"]

_EPILOG = """\b
Examples:
  acn-eval compression --ckpt ac_vit.pt
      the shipped pair on the embedded digits
  acn-eval compression \\
      --ckpt 'ac_vit.pt,seeds/ac_vit_*.pt' \\
      --baseline 'res_vit.pt,seeds/res_vit_*.pt'
      five seeds a side: about architectures, not files
  acn-eval compression --ckpt ac_vit.pt --export cut.pt
      write the network without its superfluous blocks
  acn-eval compression --ckpt ac_vit.pt --suite difficulty
      the same on the first 2, 5 and 10 classes

Exit k is the network cut after k blocks. The cut is the first exit from which on every exit
loses at most the tolerance: validation chooses it, and test examples confirm its limits."""


@click.command(cls=Titled, epilog=_EPILOG)
@side_options
@click.option("--suite", default="compression", help="Shipped suite by name, or a YAML.")
@click.option(
    "--tolerance",
    type=Range(0, 1, min_open=True, max_open=True),
    help="Accuracy that may be lost, e.g. 0.005 for half a point.",
)
@export_option("cut")
@click.option(
    "--at",
    "exit_at",
    type=click.IntRange(min=0),
    show_default="the upper limit of the cut on the test examples",
    help="Exit to cut at.",
)
@checkpoint_options
def command(export_to: Path | None, exit_at: int | None, **given: Any) -> None:
    """Measure every exit in one pass, and how many layers the network needs.

    The output shows the accuracy of each exit with intervals, the cut with its proven limits, the
    costs of the cut network beside those of the whole one, and what early exit saves.
    """
    options, output = run_options("tolerance", **given), output_of(**given)
    with recording(options, output.json_file, export_to) as recorder:
        from acn_eval.studies.compression.export import exported, write  # imports torch

        source = exported(options, export_to, exit_at)
        done = _measured(options, output, recorder)
        if source is not None and export_to is not None:
            output.say(write(source, done.results[0], export_to, exit_at))


def _measured(options: RunOptions, output: Output, recorder: "Recorder | None") -> "Done":
    """Measure once, or once for each number of classes of the suite, with a JSON file for each."""
    from acn_eval import workflow
    from acn_eval.studies.compression.tables import show_difficulty
    from acn_eval.terminal.console import console
    from acn_eval.terminal.measuring import measure

    options = workflow.with_suite(options, "compression")
    suite: Compression = options.suite  # type: ignore[assignment]
    if not suite.first_classes:
        return measure(options, output, recorder, kind="compression")
    if options.data.classes:
        msg = "`classes`: must be left out, because the suite states first_classes"
        raise ConfigError(msg, "classes")
    if output.json_file == "-":
        raise ConfigError("`json`: must be a file, which is written once per task; got -", "json")
    name = options.data.data or workflow.resolve(options).candidates[0].data
    data, done = replace(options.data, data=name, restricted=True), []
    for count in suite.first_classes:
        console().print(f"first {count} classes", style="bold")
        own = replace(options, data=replace(data, classes=(f"0-{count - 1}",)))
        done.append(measure(own, output.numbered(count), recorder, kind="compression"))
    if not output.quiet:
        show_difficulty(console(), [part.results for part in done])
    return done[-1]
