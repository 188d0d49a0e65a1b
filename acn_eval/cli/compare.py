"""`acn-eval compare`: stored results against each other, in the terminal."""

from typing import TYPE_CHECKING, Any

import click

from acn_eval.errors import ConfigError
from acn_eval.terminal.console import console, write_json
from acn_eval.terminal.options import (
    Output,
    Titled,
    metric_option,
    picked,
    reading_options,
    tracking_option,
)

if TYPE_CHECKING:
    from acn_eval.results import EvalResult
    from acn_eval.statistics import Comparison
    from acn_eval.statistics.ranking import Ranking

__all__ = ["command"]

_EPILOG = """\b
Examples:
  acn-eval compare acn-results/robustness-ac_vit-* \\
      acn-results/robustness-res_vit-*
  acn-eval compare A B C --group
  acn-eval compare runs:/0f3a runs:/9b1c --json -

Nothing is measured: stored outcomes are paired example by example."""


@click.command(cls=Titled, epilog=_EPILOG)
@click.argument("results", metavar="RESULT...", nargs=-1, required=True)
@click.option(
    "--group", is_flag=True, help="Pool results that differ in their training seed alone."
)
@click.option("--json", "json_file", metavar="FILE|-", help="Write everything as JSON.")
@click.option("--quiet", "-q", is_flag=True, help="Print the verdict or the ranking only.")
@metric_option
@reading_options
@tracking_option
def command(
    results: tuple[str, ...],
    group: bool,
    metric: str | None,
    tracking_uri: str | None,
    **given: Any,
) -> None:
    """Compare stored results: the first with the second, or a ranking of several.

    RESULT is the folder of a result, a folder that holds several, or runs:/ID of MLflow. A
    ranking compares all pairs on the primary endpoint, adjusted over the pairs (Holm); entries
    that do not differ significantly share a letter and a range of ranks.
    """
    from acn_eval.statistics import Comparison
    from acn_eval.studies.compare import compare, entries_of, rank
    from acn_eval.tracking import stored

    with stored(results, tracking_uri) as found:
        entries = entries_of(found.results, group=group)
    if len(entries) < 2:
        msg = f"compare: results must be two or more; got {len(entries)}"
        raise ConfigError(f"{msg} ({', '.join(entries) or 'comparisons alone'}).")
    output = picked(Output, **given)
    if len(entries) == 2:
        said: Comparison | Ranking = compare(*entries.values(), metric=metric)
    else:
        said = rank(entries, metric=metric)
    if output.json_file:
        kind = "comparison" if isinstance(said, Comparison) else "ranking"
        write_json(output.json_file, {kind: said.to_dict()})
    if output.json_file != "-":
        _say(said, [*entries.values()], metric, quiet=output.quiet)


def _say(
    said: "Comparison | Ranking",
    entries: "list[list[EvalResult]]",
    metric: str | None,
    *,
    quiet: bool,
) -> None:
    from acn_eval.statistics import Comparison
    from acn_eval.studies.table import study_of
    from acn_eval.terminal.comparisons import show_notes, show_other_metrics
    from acn_eval.terminal.ranking import show_ranking

    out, results = console(), [result for own in entries for result in own]
    if not isinstance(said, Comparison):
        show_ranking(out, said, quiet=quiet)
    elif quiet:
        out.print(said.answer, soft_wrap=True)
    else:
        study_of(results[0].suite).tables.show(out, results, said)
        show_other_metrics(out, entries[0], entries[1], metric)
        show_notes(out, results, [said])
