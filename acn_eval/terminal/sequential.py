"""Carries out a sequential comparison: shows progress, prints the verdict, records results."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.console import Console

from acn_eval import workflow
from acn_eval.results import EvalResult
from acn_eval.run_options import RunOptions
from acn_eval.statistics.interim import Interim
from acn_eval.statistics.sequential import BLOCK
from acn_eval.terminal.comparisons import show_notes
from acn_eval.terminal.console import console, show_warnings, write_json
from acn_eval.terminal.options import Output
from acn_eval.terminal.progress import bar
from acn_eval.tracking.record import Recorder
from acn_eval.workflow import Done

__all__ = ["measure_in_blocks", "show_interim"]

_STYLE = {"higher": "bold green", "lower": "bold red", "tie": "bold", "undecided": "bold yellow"}


def measure_in_blocks(
    options: RunOptions, output: Output, recorder: Recorder | None, *, kind: str
) -> None:
    """Load, evaluate block by block, save, print the verdict, and record what is complete.

    Raises:
        AcnEvalError: see `workflow`.
        OSError: the verdict cannot be printed; what is complete is recorded all the same.
    """
    options = workflow.with_suite(options, kind)
    with bar("evaluating", "examples") as moved:
        stopped = workflow.compare_in_blocks(options, moved)
    found, done = stopped.verdict, workflow.save_stopped(stopped, options)
    try:
        _say(output, found, done)
    finally:  # MLflow's pages have no limits that hold for results that were stopped early
        complete = found.shown == found.total
        recorded = workflow.record(done, options, recorder) if recorder and complete else None
    if recorded:
        output.say(f"in MLflow: {recorded.store.shown}", style="dim")
    elif recorder:
        output.say("not recorded in MLflow: stopped early", style="dim")


def show_interim(out: Console, found: Interim, results: list[EvalResult]) -> None:
    """Print the verdict, how sure it is, what was saved, and what it does not say."""
    out.print(found.sentence, style=_STYLE[found.verdict])
    out.print(found.certainty)
    out.print()
    for line in _told(found, results):
        out.print(line)
    out.print()
    show_warnings(out, found.warnings)
    show_notes(out, results, [])


def _told(found: Interim, results: list[EvalResult]) -> Iterator[str]:
    each = sum(len(result.cells) for result in results)
    if found.shown < found.total:
        yield (
            f"Verdict after {found.shown:,} of {found.total:,} examples, which saves "
            f"{100 * found.saved:.0f} % of {found.total * each:,} forward passes."
        )
    elif found.total > BLOCK:
        yield f"Verdict after all {found.total:,} examples: no earlier look decided it."
    else:
        yield f"Verdict after all {found.total:,} examples, in one look."
    yield (
        f"It is about {found.endpoint} accuracy alone. The table of all conditions, and whether "
        "clean accuracy explains a difference, take all examples: run without --sequential."
    )


def _say(output: Output, found: Interim, done: Done) -> None:
    if output.json_file:
        write_json(output.json_file, _document(found, done))
    if output.json_file == "-":
        return
    out = console()
    if output.quiet:
        out.print(found.sentence, soft_wrap=True)
        return
    show_interim(out, found, done.results)
    folder = next(iter(done.folders.values())).parent
    out.print(f"results: {folder}", style="dim")


def _document(found: Interim, done: Done) -> dict[str, Any]:
    each = sum(len(result.cells) for result in done.results)
    passes = {"done": found.shown * each, "saved": (found.total - found.shown) * each}
    return {
        "interim": {**asdict(found), "saved": found.saved, "forward_passes": passes},
        "results": [result.facts() for result in done.results],
        "folders": {key: str(folder) for key, folder in done.folders.items()},
    }
