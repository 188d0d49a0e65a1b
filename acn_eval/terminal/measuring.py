"""Carries out a measuring command: shows progress, prints and records the results."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from acn_eval import workflow
from acn_eval.run_options import RunOptions
from acn_eval.studies.compare import metrics_for, summarize
from acn_eval.studies.table import study_of
from acn_eval.terminal.comparisons import answer_alone, show_notes, show_other_metrics
from acn_eval.terminal.console import console, write_json
from acn_eval.terminal.options import Output
from acn_eval.terminal.progress import bar
from acn_eval.terminal.ranking import show_ranking
from acn_eval.tracking.record import Recorder
from acn_eval.workflow import Done, Group

__all__ = ["conclude", "measure"]


def measure(options: RunOptions, output: Output, recorder: Recorder | None, *, kind: str) -> Done:
    """Load, evaluate, compare, save, print and record the answer to a suite of the kind.

    Raises:
        AcnEvalError: see `workflow`.
    """
    options = workflow.with_suite(options, kind)
    sides = workflow.resolve(options)
    if not sides.candidates:
        options = replace(options, baselines=())  # the suite names both sides
    with bar(
        *(("evaluating", "examples") if sides.candidates else ("training", "steps"))
    ) as moved:
        groups = workflow.evaluate(options, sides, moved)
    return conclude(groups, options, output, recorder)


def conclude(
    groups: Iterable[Group], options: RunOptions, output: Output, recorder: Recorder | None
) -> Done:
    """Compare, save, print and record results; they are recorded whether or not anyone reads.

    Raises:
        AcnEvalError: they do not belong together, or the store cannot be written.
        OSError: they cannot be saved or printed.
    """
    compared = map(partial(workflow.compare, metric=options.metric), groups)
    done = workflow.save(compared, options.out)
    try:
        _say(done, options, output)
    finally:
        recorded = workflow.record(done, options, recorder) if recorder else None
    if recorded:
        output.say(f"in MLflow: {recorded.store.shown}", style="dim")
        output.say("see the curves: acn-eval ui", style="dim")
    return done


def _say(done: Done, options: RunOptions, output: Output) -> None:
    if output.json_file:
        _write_json(output.json_file, done, options.metric)
    if output.json_file == "-":
        return
    out = console()
    if output.quiet:
        for ranking in done.rankings:
            show_ranking(out, ranking, quiet=True)
        if done.rankings:
            return
        alone = (answer_alone([result], options.metric) for result in done.results)
        for line in [each.answer for each in done.comparisons] or alone:
            out.print(line, soft_wrap=True)
        return
    _say_groups(done, options)
    if not (done.comparisons or done.rankings) and options.baselines is None:
        text = "There is no baseline, because the card names none; give one with --baseline."
        out.print(text, style="dim")
    show_notes(out, done.results, done.comparisons)
    folder = next(iter(done.folders.values())).parent
    out.print(f"results: {folder}", style="dim")


def _say_groups(done: Done, options: RunOptions) -> None:
    out, tables = console(), study_of(done.results[0].suite).tables
    if len(done.groups) > 1:
        tables.overview(out, done.results, done.comparisons)
        return
    (group,) = done.groups
    if group.ranking is not None:
        show_ranking(out, group.ranking)
        return
    tables.show(out, group.results, group.comparison, options.metric)
    show_other_metrics(out, group.candidates, group.baselines, options.metric)
    if group.comparison is not None and options.baselines is None:
        label = group.comparison.baseline.label
        out.print(f"The card of the checkpoint names {label} as its baseline.", style="dim")


def _write_json(file: str, done: Done, metric: str | None) -> None:
    accuracies = [
        {
            "checkpoint": r.checkpoint.name,
            "rows": [asdict(row) for row in summarize([r], metric=metric)],
        }
        for r in done.results
    ]
    each: list[Any] = [comparison.to_dict() for comparison in done.comparisons]
    several = len(done.groups) > 1
    document = {
        "metric": metrics_for(done.results, metric)[0],
        "results": [result.facts() for result in done.results],
        "accuracies": accuracies,
        **({"comparisons": each} if several else {"comparison": each[0] if each else None}),
        "folders": {key: str(folder) for key, folder in done.folders.items()},
    }
    if done.rankings:
        document["ranking"] = done.rankings[0].to_dict()
    write_json(file, document)
