"""`acn-eval compare`: stored results against each other, in the terminal."""

from typing import Any

import click

__all__ = ["command"]

_EPILOG = """\b
Examples:
  acn-eval compare acn-results/robustness-ac_vit-* acn-results/robustness-res_vit-*
  acn-eval compare A B C --group
  acn-eval compare runs:/0f3a runs:/9b1c --json -

\b
Nothing is measured: the outcomes are on disk, and are paired image by image."""


@click.command(epilog=_EPILOG, context_settings={"max_content_width": 100})
@click.argument("results", metavar="RESULT...", nargs=-1, required=True)
@click.option(
    "--group", is_flag=True, help="Take files that differ in their training seed alone as one."
)
@click.option("--json", "json_file", metavar="FILE|-", help="Write everything as JSON.")
@click.option("--quiet", "-q", is_flag=True, help="Print the verdict or the ranking only.")
@click.option("--tracking-uri", help="MLflow store of runs:/ID [env: MLFLOW_TRACKING_URI].")
def command(**options: Any) -> None:
    """Compare stored results: the first against the second, or a ranking of several.

    RESULT is the folder of a result, a folder that holds several, or runs:/ID of MLflow. A
    ranking compares all pairs on the primary end point, adjusted over the pairs (Holm); what
    cannot be told apart shares a letter and a range of ranks.
    """
    from acn_eval.cli.compare_job import run  # pyarrow and scipy are imported below this line

    run(options)
