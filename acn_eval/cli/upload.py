"""`acn-eval upload`: records in MLflow what evaluations left on disk."""

from pathlib import Path

import click

from acn_eval.terminal.console import say
from acn_eval.terminal.options import FOLDER, Titled, tracking_option

__all__ = ["command"]

_EPILOG = """\b
Examples:
  acn-eval upload
  acn-eval upload night/acn-results \\
      --tracking-uri http://mlflow.lab:5000"""


@click.command(cls=Titled, epilog=_EPILOG)
@click.argument("folders", metavar="[DIR]...", nargs=-1, type=FOLDER)
@tracking_option
def command(folders: tuple[Path, ...], tracking_uri: str | None) -> None:
    """Record all results, comparisons and rankings in DIR (default: acn-results) in MLflow.

    It serves results that could not be recorded when they were measured, and copies results into
    another store. Runs that are there already are completed; doing it twice changes nothing.
    """
    from acn_eval.figures import draw_missing, draw_rankings
    from acn_eval.tracking import find, record

    found = find(folders or (Path("acn-results"),))
    draw_missing(found.results, found.comparisons, found.artifacts)
    draw_rankings(found.rankings, found.artifacts)
    recorded = record(
        found.results,
        [*found.comparisons, *found.rankings],
        tracking_uri=tracking_uri,
        cwd=Path.cwd(),
        artifacts=found.artifacts,
    )
    for name in recorded.experiments:
        say(f"{name}: in {recorded.store.shown}")
    say(f"{len(recorded.runs)} runs are there. See them: acn-eval ui")
