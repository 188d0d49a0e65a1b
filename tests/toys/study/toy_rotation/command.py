"""`acn-eval rotation`: accuracy of images that lie on their side."""

from typing import Any

import click

from acn_eval.terminal.options import (
    Titled,
    data_options,
    output_of,
    output_options,
    place_options,
    run_options,
    side_options,
)
from acn_eval.terminal.recording import recording

__all__ = ["command"]


@click.command(cls=Titled)
@side_options
@click.option("--suite", required=True, help="A YAML.")
@data_options
@place_options
@output_options
def command(**given: Any) -> None:
    """Turn images by quarters, and see what a network still knows."""
    options, output = run_options(**given), output_of(**given)
    with recording(options, output.json_file) as recorder:
        from acn_eval.terminal.measuring import measure

        measure(options, output, recorder, kind="rotation")
