"""Makes a table of the paper anew, beside what was reported, or says what that would cost."""

from collections.abc import Iterator
from pathlib import Path

from acn_eval.inference import resolve_device
from acn_eval.run_options import RunOptions
from acn_eval.statistics.comparison import Comparison, Estimate
from acn_eval.studies.read import read_suite
from acn_eval.terminal.comparisons import interval
from acn_eval.terminal.console import console
from acn_eval.terminal.measuring import measure
from acn_eval.terminal.options import Output
from acn_eval.terminal.progress import bar
from acn_eval.terminal.tables import Column, show_table
from acn_eval.tracking.record import Recorder
from acn_eval.training.step_time import GPU_RATE, PER_BLOCK
from acn_eval.workflow.paper import Figure, PaperComparison, PaperTable
from acn_eval.workflow.reproducing import NetworkCost, costs, questions, train_missing
from acn_eval.workflow.running import runtime_of

__all__ = ["reproduce", "show_hours", "show_reported"]

_NEXT = "The paper's numbers stand beside ours as they were printed; no test compares them."


def reproduce(
    table: PaperTable, folder: Path, options: RunOptions, output: Output, recorder: Recorder | None
) -> None:
    """Train what is missing in a folder, and measure, print and record every comparison.

    Raises:
        AcnEvalError: see `train_missing` and `measure`.
    """
    runtime, root = runtime_of(options), options.data.root
    with bar(f"training {folder.name}", "steps") as moved:
        train_missing(table, folder, runtime, root=root, progress=moved)
    _about(table, output)
    number = 0
    for comparison in table.comparisons:
        for suite, asked in questions(table, comparison, folder, options):
            number += 1
            output.say("")
            output.say(f"{' against '.join(comparison.networks)}: {suite}", style="bold")
            kind = read_suite(suite).kind
            done = measure(asked, output.numbered(number), recorder, kind=kind)
            if not output.quiet:
                show_reported(comparison, suite, done.comparisons[0])
    output.say(_budgets(table), style="dim")


def show_hours(table: PaperTable, folder: Path, options: RunOptions) -> None:
    """Print what the trainings of a table cost, here and on one GPU; nothing is kept."""
    device, root = resolve_device(options.device), options.data.root
    found, out = [*costs(table, folder, device, root)], console()
    unit = "core hours" if device.type == "cpu" else "hours"
    _about(table, Output())
    columns = (
        Column("network"),
        Column("trainings"),
        Column("done"),
        Column("steps"),
        Column("epochs", rank=2),
        Column("s a step here"),
        Column("of it reading", rank=3),
        Column(f"{unit} here"),
        Column("s a step on a GPU", rank=1),
        Column("hours on one GPU"),
    )
    show_table(out, columns, [_cells(cost) for cost in found])
    here, gpu = (sum(hours) for hours in zip(*(cost.hours for cost in found), strict=True))
    kind = "estimated" if found[0].step.estimated else "timed"
    total = f"In all {_hours(here)} {unit} on this machine; {_hours(gpu)} hours on one GPU"
    out.print(f"{total}, {kind}.")
    for line in _rests_on(found):
        out.print(line, style="dim")
    out.print(_budgets(table), style="dim")


def _cells(cost: NetworkCost) -> tuple[str, ...]:
    step, (here, gpu) = cost.step, cost.hours
    return (
        cost.name,
        str(cost.trainings),
        str(cost.done),
        f"{cost.recipe.steps:,}",
        "" if cost.epochs is None else f"{cost.epochs:,.1f}",
        f"{step.here:.3g}",
        f"{step.reading:.3g}",
        _hours(here),
        f"{step.gpu:.3g}",
        _hours(gpu),
    )


def _hours(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 100 else f"{hours:.2g}"


def _rests_on(found: list[NetworkCost]) -> Iterator[str]:
    """Say what the hours are made of."""
    yield (
        "Here: a few steps on made-up examples; on a CPU, one thread by its own clock, where "
        "trainings take up to four. Reading from disk and the evaluation are not included."
    )
    for cost in found:
        if cost.step.images < cost.recipe.batch:
            shown, batch = cost.step.images, cost.recipe.batch
            yield f"{cost.name}: timed with {shown} examples a step, and scaled to {batch}."
    if found[0].step.estimated:
        rates = {cost.recipe.precision: GPU_RATE[cost.recipe.precision] for cost in found}
        sustained = ", ".join(f"{rate / 1e12:g} TFLOP/s in {name}" for name, rate in rates.items())
        yield (
            "On a GPU, an estimate: reading and augmenting as timed on this CPU, and then the "
            f"longer of 3 forward passes' FLOPs at {sustained}, and {1000 * PER_BLOCK:g} ms per "
            "block to launch its kernels. It was not run on one."
        )


def _about(table: PaperTable, output: Output) -> None:
    output.say(table.title, style="bold")
    for line in table.differs:
        output.say(f"  - {line}")


def _budgets(table: PaperTable) -> str:
    ours = {f"{recipe.steps:,} steps of {recipe.batch}" for recipe in table.networks.values()}
    here = f"Budget here: {' or '.join(sorted(ours))}, equal on both sides of a comparison."
    return f"{here} In the paper: {table.budget}."


def show_reported(comparison: PaperComparison, suite: str, found: Comparison) -> None:
    """Print the paper's figures beside ours; a row that was not measured is blank."""
    reported, names = comparison.suites[suite], comparison.networks
    if not reported:
        return
    ours = _measured(found)
    heads = [f"{name}, {where}" for name in names for where in ("paper", "here")]
    rows = []
    for row, figures in reported.items():
        here = ours.get(row, ("", ""))
        pairs = zip((_figure(figures.get(name)) for name in names), here, strict=True)
        rows.append([row, *(cell for pair in pairs for cell in pair)])
    show_table(console(), [Column("as reported"), *map(Column, heads)], rows)
    console().print(_NEXT, style="dim")


def _measured(comparison: Comparison) -> dict[str, tuple[str, str]]:
    """Return both sides in words, by row and by finding."""
    quantity = comparison.quantity
    rows = {
        row.name: (interval(row.candidate, quantity), interval(row.baseline, quantity))
        for row in (*comparison.rows, comparison.primary)
    }
    findings = {
        own.name: (_plain(own.candidate), _plain(own.baseline)) for own in comparison.findings
    }
    return rows | findings


def _plain(e: Estimate) -> str:
    return f"{e.value:.3g} [{e.low:.3g}, {e.high:.3g}]"


def _figure(figure: Figure | None) -> str:
    return "" if figure is None else " ± ".join(f"{number:g}" for number in figure)
