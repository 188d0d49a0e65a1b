"""What `acn-eval compare` does between its options and its words."""

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from acn_eval import atomic
from acn_eval.errors import ConfigError
from acn_eval.results import EvalResult
from acn_eval.statistics import Comparison
from acn_eval.statistics.ranking import Ranking
from acn_eval.statistics.soundness import plain
from acn_eval.studies.compare import compare, rank
from acn_eval.studies.table import analysis_of, study_of
from acn_eval.terminal.console import console
from acn_eval.terminal.stored import stored
from acn_eval.terminal.tables import percent, show_notes, verdict

__all__ = ["entries_of", "run"]

Entries = Mapping[str, Sequence[EvalResult]]
_DECIDED_BY = ("recipe", "learning_rate", "data")


def run(options: Mapping[str, Any]) -> None:
    """Read results, compare two or rank several, and say it."""
    with stored(options["results"], options["tracking_uri"]) as found:
        entries = entries_of(found.results, group=options["group"])
    if len(entries) < 2:
        msg = f"compare: results must be two or more; got {len(entries)}"
        raise ConfigError(f"{msg} ({', '.join(entries) or 'comparisons alone'}).")
    said: Comparison | Ranking = compare(*entries.values()) if len(entries) == 2 else rank(entries)
    if options["json_file"]:
        _write_json(options["json_file"], said)
    if options["json_file"] != "-":
        _say(options, entries, said)


def entries_of(results: Sequence[EvalResult], *, group: bool) -> dict[str, list[EvalResult]]:
    """Return results by label: one each or, grouped, one per architecture and recipe."""
    if not group:
        names = Counter(result.checkpoint.name for result in results)
        return {
            r.checkpoint.name if names[r.checkpoint.name] == 1 else _named(r): [r] for r in results
        }
    groups: dict[str, list[EvalResult]] = {}
    for result in results:
        groups.setdefault(_trained_alike(result), []).append(result)
    return {_label(own): own for own in groups.values()}


def _named(result: EvalResult) -> str:
    """The name and the beginning of the key: files of one name are told apart."""
    return f"{result.checkpoint.name} {result.key[:6]}"


def _trained_alike(result: EvalResult) -> str:
    checkpoint = result.checkpoint
    training = [checkpoint.training.get(name) for name in _DECIDED_BY]
    return json.dumps([plain(checkpoint.arch), training], sort_keys=True, default=str)


def _label(results: Sequence[EvalResult]) -> str:
    replicate = analysis_of(results[0].suite).endpoint_of(results[0].suite).replicate
    name = results[0].checkpoint.name.partition(f" {replicate} ")[0]
    return name if len(results) == 1 else f"{name} ({len(results)} {replicate}s)"


def _write_json(file: str, said: Comparison | Ranking) -> None:
    kind = "comparison" if isinstance(said, Comparison) else "ranking"
    text = json.dumps({kind: said.to_dict()}, indent=1, default=str) + "\n"
    if file == "-":
        sys.stdout.write(text)
    else:
        atomic.write(Path(file), text)


def _say(options: Mapping[str, Any], entries: Entries, said: Comparison | Ranking) -> None:
    out = console()
    results = [result for own in entries.values() for result in own]
    if isinstance(said, Ranking):
        _show_ranking(out, said)
        if not options["quiet"]:
            _show_pairs(out, said)
            for line in said.warnings:
                out.print(f"  ! {line}", style="yellow")
    elif options["quiet"]:
        out.print(verdict(said), soft_wrap=True)
    else:
        study_of(results[0].suite).tables.show(out, results, said)
        show_notes(out, results, [said])


def _show_ranking(out: Any, ranking: Ranking) -> None:
    n = max(place.end_point.n for place in ranking.places)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("rank", justify="right")
    table.add_column(f"{ranking.data}, n = {n}")
    table.add_column("files", justify="right")
    table.add_column(f"{ranking.end_point}, % [95 %]", justify="right", no_wrap=True)
    table.add_column("letters")
    for place in ranking.places:
        estimate = percent(place.end_point.estimate)
        row = (place.rank, place.label, str(place.files), estimate, place.letters)
        table.add_row(*row)
    out.print(table)
    out.print(
        f"all pairs on {ranking.end_point}, Holm over {len(ranking.pairs)} pairs at "
        f"{100 * ranking.alpha:g} %: entries that share a letter are not told apart; a range of "
        "ranks is what the pairs leave open, and the order inside it means nothing",
        style="dim",
    )


def _show_pairs(out: Any, ranking: Ranking) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("pair")
    table.add_column("difference [95 %, unadjusted]", justify="right", no_wrap=True)
    for name in ("p (Holm)", "MDE"):
        table.add_column(name, justify="right")
    for pair in ranking.pairs:
        value, low, high = (f"{100 * x:+.1f}" for x in (pair.difference, pair.low, pair.high))
        p = "<0.001" if pair.p_holm < 0.001 else f"{pair.p_holm:.3f}"
        both = f"{pair.left} - {pair.right}"
        table.add_row(both, f"{value} [{low}, {high}]", p, f"{100 * pair.mde:.1f}")
    out.print()
    out.print(table)
