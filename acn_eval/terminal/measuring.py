"""Carries out a measuring command: shows progress, prints what came out, and records it."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from acn_eval import workflow
from acn_eval.errors import AcnEvalError
from acn_eval.run_options import RunOptions
from acn_eval.studies.compare import summarize
from acn_eval.studies.table import study_of
from acn_eval.terminal.comparisons import answer, answer_alone, show_notes
from acn_eval.terminal.console import console, write_json
from acn_eval.terminal.options import Output
from acn_eval.terminal.progress import bar
from acn_eval.tracking.record import Recorded, Recorder
from acn_eval.workflow import Done, Group

__all__ = ["conclude", "measure"]


def measure(options: RunOptions, output: Output, recorder: Recorder | None, *, kind: str) -> Done:
    """Load, evaluate, compare, save, record, and print the answer.

    Args:
        options: of the run.
        output: what is printed and written beside the results.
        recorder: of the MLflow store; None records nothing.
        kind: of suite that the command is about.

    Raises:
        ConfigError: the suite is of another kind, among others.
    """
    options = workflow.with_suite(options, kind)
    sides = workflow.resolve(options)
    if not sides.candidates:
        options = replace(options, baselines=())  # the suite names both sides
    with bar(*(("evaluating", "images") if sides.candidates else ("training", "steps"))) as moved:
        groups = workflow.evaluate(options, sides, moved)
    return conclude(groups, options, output, recorder)


def conclude(
    groups: Iterable[Group], options: RunOptions, output: Output, recorder: Recorder | None
) -> Done:
    """Compare, save, record and print what was measured; a dead store is reported last."""
    compared = map(partial(workflow.compare, metric=options.metric), groups)
    done = workflow.save(compared, options.out)
    recorded, failure = _recorded(done, options, recorder)
    _say(done, options, output, recorded)
    if failure is not None:
        raise failure
    return done


def _recorded(
    done: Done, options: RunOptions, recorder: Recorder | None
) -> tuple[Recorded | None, AcnEvalError | None]:
    if recorder is None:
        return None, None
    try:
        return workflow.record(done, options, recorder), None
    except AcnEvalError as failure:
        return None, failure


def _say(done: Done, options: RunOptions, output: Output, recorded: Recorded | None) -> None:
    if output.json_file:
        _write_json(output.json_file, done, options.metric)
    if output.json_file == "-":
        return
    out = console()
    if output.quiet:
        alone = () if done.comparisons else done.results
        said = (answer_alone([result], options.metric) for result in alone)
        for line in (*map(answer, done.comparisons), *said):
            out.print(line, soft_wrap=True)
        return
    _say_groups(done, options)
    if not done.comparisons and options.baselines is None:
        text = "There is no baseline, because the card names none; give one with --baseline."
        out.print(text, style="dim")
    show_notes(out, done.results, done.comparisons)
    _say_where(done, recorded)


def _say_groups(done: Done, options: RunOptions) -> None:
    out, tables = console(), study_of(done.results[0].suite).tables
    if len(done.groups) > 1:
        tables.overview(out, done.results, done.comparisons)
        return
    (group,) = done.groups
    tables.show(out, group.results, group.comparison, options.metric)
    if group.comparison is not None and options.baselines is None:
        label = group.comparison.baseline.label
        out.print(f"The card of the checkpoint names {label} as its baseline.", style="dim")


def _say_where(done: Done, recorded: Recorded | None) -> None:
    out = console()
    folder = next(iter(done.folders.values())).parent
    out.print(f"results: {folder}", style="dim")
    if recorded is not None:
        out.print(f"in MLflow: {recorded.store.shown}", style="dim")
        out.print("see the curves: acn-eval ui", style="dim")


def _write_json(file: str, done: Done, metric: str) -> None:
    document = {
        "metric": metric,
        "results": [result.facts() for result in done.results],
        "accuracies": [
            {
                "checkpoint": r.checkpoint.name,
                "rows": [asdict(row) for row in summarize([r], metric=metric)],
            }
            for r in done.results
        ],
        **_comparisons(done),
        "folders": {key: str(folder) for key, folder in done.folders.items()},
    }
    write_json(file, document)


def _comparisons(done: Done) -> dict[str, Any]:
    """One under its name; several in a list, in the order of their groups."""
    each: list[Any] = [comparison.to_dict() for comparison in done.comparisons]
    if len(done.groups) > 1:
        return {"comparisons": each}
    return {"comparison": each[0] if each else None}
