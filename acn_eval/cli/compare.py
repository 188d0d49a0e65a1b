"""`acn-eval compare`: stored results against each other, in the terminal."""

from typing import TYPE_CHECKING, Any

import click

from acn_eval.errors import ConfigError
from acn_eval.terminal.console import console, write_json
from acn_eval.terminal.options import Output, metric_option, reading_options

if TYPE_CHECKING:
    from acn_eval.results import EvalResult
    from acn_eval.statistics import Comparison
    from acn_eval.statistics.ranking import Ranking

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
@metric_option
@reading_options
@click.option("--tracking-uri", help="MLflow store of runs:/ID [env: MLFLOW_TRACKING_URI].")
def command(
    results: tuple[str, ...],
    group: bool,
    metric: str,
    tracking_uri: str | None,
    **given: Any,
) -> None:
    """Compare stored results: the first against the second, or a ranking of several.

    RESULT is the folder of a result, a folder that holds several, or runs:/ID of MLflow. A
    ranking compares all pairs on the primary end point, adjusted over the pairs (Holm); what
    cannot be told apart shares a letter and a range of ranks.
    """
    from acn_eval.statistics import Comparison
    from acn_eval.studies.compare import compare, entries_of, rank
    from acn_eval.tracking import stored

    with stored(results, tracking_uri) as found:
        entries = entries_of(found.results, group=group)
    if len(entries) < 2:
        msg = f"compare: results must be two or more; got {len(entries)}"
        raise ConfigError(f"{msg} ({', '.join(entries) or 'comparisons alone'}).")
    output = Output(given["json_file"], given["quiet"])
    if len(entries) == 2:
        said: Comparison | Ranking = compare(*entries.values(), metric=metric)
    else:
        said = rank(entries, metric=metric)
    if output.json_file:
        kind = "comparison" if isinstance(said, Comparison) else "ranking"
        write_json(output.json_file, {kind: said.to_dict()})
    if output.json_file != "-":
        _say(said, [result for own in entries.values() for result in own], quiet=output.quiet)


def _say(said: "Comparison | Ranking", results: "list[EvalResult]", *, quiet: bool) -> None:
    from acn_eval.statistics import Comparison
    from acn_eval.studies.table import study_of
    from acn_eval.terminal.comparisons import answer, show_notes
    from acn_eval.terminal.ranking import show_pairs, show_ranking

    out = console()
    if not isinstance(said, Comparison):
        show_ranking(out, said)
        if not quiet:
            show_pairs(out, said)
            for line in said.warnings:
                out.print(f"  ! {line}", style="yellow")
    elif quiet:
        out.print(answer(said), soft_wrap=True)
    else:
        study_of(results[0].suite).tables.show(out, results, said)
        show_notes(out, results, [said])
