"""What the terminal says of depth: exits, the cut, its cost, and early exit."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from acn_eval.results import EvalResult
from acn_eval.statistics import Comparison
from acn_eval.studies.compare import summarize
from acn_eval.studies.compression.depth import Cut, cut_of
from acn_eval.terminal.tables import milliseconds, percent, show_disturbed, show_verdict

__all__ = ["show", "show_difficulty"]

_BATCHES = ("batch1", "batch64")


def show(out: Console, results: Sequence[EvalResult], comparison: Comparison | None) -> None:
    """Print exits, cuts, costs and early exit, and the verdict where there is one."""
    _show_exits(out, results, comparison)
    measured = [r for r in results if cut_of(r) is not None]
    if measured:
        _show_cuts(out, measured)
    priced = [r for r in measured if "costs" in r.details]
    if 0 < len(priced) <= 2:
        _show_costs(out, priced)
        _show_early_exits(out, priced)
    if comparison is not None:
        show_verdict(out, comparison)


def show_difficulty(out: Console, tasks: Sequence[Sequence[EvalResult]]) -> None:
    """Print the cut of every checkpoint on every task, easy to hard."""
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    table.add_column("blocks needed [95 %]")
    for results in tasks:
        data = results[0].data
        table.add_column(f"{len(data.classes)} classes, n = {data.n}", justify="right")
    for row in zip(*tasks, strict=True):
        cuts = [cut_of(result) for result in row]
        table.add_row(row[0].checkpoint.name, *(_limits(cut) for cut in cuts))
    out.print()
    out.print(table)
    out.print("the same networks, predicting among the first classes only", style="dim")


def _limits(cut: Cut | None) -> str:
    if cut is None:
        return "no exits"
    return f"{cut.estimate} of {cut.depth} [{cut.low}, {cut.high}], {100 * cut.tolerance:g} points"


def _show_exits(
    out: Console, results: Sequence[EvalResult], comparison: Comparison | None
) -> None:
    """One line per exit on undisturbed images; the noise is in the figure and in MLflow."""
    data = results[0].data
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(f"{data.name} {data.split}, n = {data.n}")
    if comparison is None:
        table.add_column(f"{results[0].checkpoint.name}, accuracy % [95 %]", justify="right")
        for a in summarize(results[:1]):
            if _is_shown(a.condition):
                table.add_row(a.name, percent(a.estimate))
    else:
        for name in (comparison.candidate.label, comparison.baseline.label):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("difference [95 % band]", justify="right", no_wrap=True)
        for row in comparison.rows:
            if _is_shown(row.condition):
                low, high = 100 * row.band_low, 100 * row.band_high
                band = f"{100 * row.difference.value:+.1f} [{low:+.1f}, {high:+.1f}]"
                table.add_row(row.name, percent(row.candidate), percent(row.baseline), band)
    out.print(table)
    legend = (
        "undisturbed images; exit k is the network cut after k blocks, `cut` the one that "
        "validation chose"
    )
    if comparison is not None:
        legend += "; bands are simultaneous over all exits and corruptions"
    out.print(legend, style="dim")


def _is_shown(condition: dict[str, Any]) -> bool:
    return condition.get("corruption") == "clean" and "exit" in condition


def _show_cuts(out: Console, results: Sequence[EvalResult]) -> None:
    out.print()
    for result in results:
        cut = cut_of(result)
        assert cut is not None
        out.print(_cut_in_words(result, cut), style="bold")


def _cut_in_words(result: EvalResult, cut: Cut) -> str:
    """``ac_vit needs 2 of 8 blocks (25 %) to stay within 2 points [95 %: 2 to 2]; ...``."""
    share = 100 * cut.estimate / cut.depth
    validation = result.details["validation"]
    return (
        f"{result.checkpoint.name} needs {cut.estimate} of {cut.depth} blocks ({share:.0f} %) to"
        f" stay within {100 * cut.tolerance:g} points [95 %: {cut.low} to {cut.high}];"
        f" validation (n = {validation['n']}) chose {validation['cut']}"
    )


def _show_costs(out: Console, results: Sequence[EvalResult]) -> None:
    """The proven cut beside the whole network, in what it really costs."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("cost", "exit", "parameters", "MFLOPs", "weights, MB", "memory, MB"):
        table.add_column(name, justify="left" if name == "cost" else "right")
    for name in ("ms, batch 1 (p95)", "ms, batch 64 (p95)"):
        table.add_column(name, justify="right")
    for result in results:
        cut = cut_of(result)
        assert cut is not None
        for k in sorted({cut.high, cut.depth}):
            name = result.checkpoint.name if k != cut.depth else f"{result.checkpoint.name}, whole"
            table.add_row(name, str(k), *_cost(result.details["costs"][k]))
    out.print()
    out.print(table)
    out.print("measured on this machine, warm; memory: weights and activations", style="dim")
    show_disturbed(out, [c[b] for r in results for c in r.details["costs"] for b in _BATCHES])


def _cost(row: dict[str, Any]) -> Iterator[str]:
    yield f"{row['parameters']:,}"
    yield f"{row['flops'] / 1e6:.2f}"
    yield "-" if row["weight_bytes"] is None else f"{row['weight_bytes'] / 1e6:.2f}"
    yield f"{row['memory_bytes'] / 1e6:.2f}"
    for batch in _BATCHES:
        yield milliseconds(row[batch])


def _show_early_exits(out: Console, results: Sequence[EvalResult]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("early exit")
    for name in ("threshold", "accuracy % [95 %]", "mean exit", "FLOPs", "ms per image"):
        table.add_column(name, justify="right")
    for result in results:
        costs = result.details["costs"]
        steady = all(row["early"].get("steady", True) for row in costs)
        for row in result.details["early_exit"]:
            if row["chosen"]:
                point = _point(row, costs[-1]["flops"], steady=steady)
                table.add_row(f"{result.checkpoint.name}, {row['rule']}", *point)
    out.print()
    out.print(table)
    out.print(
        "FLOPs in % of the whole network's; shared heads unless the network has branches; "
        "thresholds (entropy in nats) were chosen on validation; times are measured per exit, "
        "all heads on the way included",
        style="dim",
    )


def _point(row: dict[str, Any], whole: int, *, steady: bool) -> Iterator[str]:
    a = row["accuracy"]
    yield f"{row['threshold']:g}"
    yield f"{100 * a['value']:.1f} [{100 * a['low']:.1f}, {100 * a['high']:.1f}]"
    yield f"{row['mean_exit']:.2f}"
    yield f"{100 * row['flops'] / whole:.0f} %"
    yield f"{row['milliseconds']:.2f}" if steady else "disturbed"
