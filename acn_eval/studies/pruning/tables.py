"""What the terminal says of pruning: every sparsity, and what is left of the networks."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from acn_eval.results import EvalResult, Scalar
from acn_eval.statistics import Comparison
from acn_eval.studies.compare import summarize
from acn_eval.terminal.tables import (
    milliseconds,
    show_accuracies,
    show_disturbed,
    show_rows,
    show_verdict,
)

__all__ = ["show"]

_NOTES = {
    False: (
        "zeros save neither dense FLOPs nor time here, and a file keeps them: `zeros skipped` is "
        "what a perfect sparse kernel would do, `deflated` the same weights in a zip"
    ),
    True: (
        "structured: whole hidden units are gone, so parameters, dense FLOPs and bytes are those "
        "of a smaller network; equal shares are equal costs only between networks of one shape"
    ),
}
"""What the costs mean, by whether units were cut out."""


def show(out: Console, results: Sequence[EvalResult], comparison: Comparison | None) -> None:
    """Print methods and sparsities, what is left of each network, and the verdict."""
    if comparison is not None:
        rows = [row for row in comparison.rows if _is_shown(row.condition)]
        show_rows(out, comparison, rows)
    else:
        own = [a for a in summarize(results) if _is_shown(a.condition)]
        show_accuracies(out, own, results[0])
    out.print(
        "share of the weights of linear and convolution layers, but for the heads, that is "
        "removed; gradual, movement and what is tuned train on, both networks alike",
        style="dim",
    )
    if len(results) <= 2:
        _show_costs(out, results)
    if comparison is not None:
        show_verdict(out, comparison)


def _is_shown(condition: Mapping[str, Scalar]) -> bool:
    """Undisturbed images; the noise is in the figure and in MLflow."""
    return condition.get("corruption") == "clean" and "sparsity" in condition


def _show_costs(out: Console, results: Sequence[EvalResult]) -> None:
    """What is left of each network, by every method that tells."""
    told = [(result, row) for result in results for row in _told(result.details["networks"])]
    cut = {_is_cut(row) for _, row in told}
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("what is left")
    for name in ("removed", "parameters", "MFLOPs", "zeros skipped", "MB", "deflated"):
        table.add_column(name, justify="right")
    table.add_column("ms, batch 1 (p95)", justify="right")
    if True in cut:
        table.add_column("batch 64 (p95)", justify="right")
    for result, row in told:
        table.add_row(f"{result.checkpoint.name}, {row['method']}", *_cost(row))
    out.print()
    out.print(table)
    for is_cut in sorted(cut):
        out.print(_NOTES[is_cut], style="dim")
    show_disturbed(out, [row[b] for _, row in told for b in ("batch1", "batch64") if b in row])


def _told(networks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first line, and the first that cuts units out: others differ in the last digits."""
    cut = [row for row in networks if _is_cut(row) and row["blocks"] is None]
    lines = {(row["method"], row["blocks"]) for row in (*networks[:1], *cut[:1])}
    return [row for row in networks if (row["method"], row["blocks"]) in lines]


def _is_cut(row: Mapping[str, Any]) -> bool:
    return "batch64" in row


def _cost(row: Mapping[str, Any]) -> Iterator[str]:
    yield f"{100 * row['realised']:.3f} %"
    yield f"{row['parameters']:,}"
    yield f"{row['flops'] / 1e6:.2f}"
    yield f"{row['effective_flops'] / 1e6:.2f}"
    yield f"{row['weight_bytes'] / 1e6:.2f}"
    yield f"{row['deflated_bytes'] / 1e6:.2f}"
    yield milliseconds(row["batch1"])
    if _is_cut(row):
        yield milliseconds(row["batch64"])
