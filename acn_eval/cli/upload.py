"""`acn-eval upload`: records in MLflow what evaluations left on disk."""

from pathlib import Path

import click

from acn_eval.terminal.console import say

__all__ = ["command"]


@click.command("upload", short_help="Record results on disk in MLflow.")
@click.argument(
    "folders",
    metavar="[DIR]...",
    nargs=-1,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
@click.option("--tracking-uri", metavar="URI", help="Store to write.  [default: ./mlflow.db]")
def command(folders: tuple[Path, ...], tracking_uri: str | None) -> None:
    """Record every result and comparison in the folders DIR (default: acn-results) in MLflow.

    Use it where a run could not be recorded, or to copy results into another store. What is there
    already is completed; doing it twice changes nothing.

    \b
    Examples:
      acn-eval upload
      acn-eval upload night/acn-results --tracking-uri http://mlflow.lab:5000
    """  # noqa: D301 - click reads the backspace
    from acn_eval.figures import draw_missing
    from acn_eval.tracking import find, record

    found = find(folders or (Path("acn-results"),))
    draw_missing(found.results, found.comparisons, found.artifacts)
    recorded = record(
        found.results,
        found.comparisons,
        tracking_uri=tracking_uri,
        cwd=Path.cwd(),
        artifacts=found.artifacts,
    )
    for name in recorded.experiments:
        say(f"{name}: in {recorded.store.shown}")
    say(f"{len(recorded.runs)} runs are there. See them: acn-eval ui")
