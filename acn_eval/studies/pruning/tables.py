"""What the terminal shows of pruning: every sparsity, and what is left of the networks."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console

from acn_eval.results import EvalResult, Scalar
from acn_eval.statistics import Comparison
from acn_eval.terminal.comparisons import (
    milliseconds,
    show_answer,
    show_conditions,
    show_details,
    show_disturbed,
)
from acn_eval.terminal.glossary import legend
from acn_eval.terminal.tables import Column, show_table

__all__ = ["show"]

_NOTES = {
    False: (
        "Zeros save neither dense FLOPs nor time here, and a file keeps them. zeros skipped: "
        "FLOPs of a perfect sparse kernel; deflated: the weights in a compressed file."
    ),
    True: (
        "Structured pruning removes whole hidden units, so parameters, dense FLOPs and bytes are "
        "those of a smaller network; equal shares cost the same only in networks of one shape."
    ),
}
"""What the costs mean, by whether units were cut out."""


def show(
    out: Console,
    results: Sequence[EvalResult],
    comparison: Comparison | None,
    metric: str | None = None,
) -> None:
    """Print the answer, methods and sparsities, and what is left of each network."""
    show_answer(out, results, comparison, metric)
    show_conditions(out, results, comparison, metric, shown=_is_shown)
    out.print(
        "The number after a method is its sparsity: the share of the weights of linear and "
        "convolution layers, without the heads, that is removed. Gradual, movement and tuned "
        "pruning include fine-tuning, which is the same for both networks.",
        style="dim",
    )
    legend(out)
    if len(results) <= 2:
        _show_costs(out, results)
    show_details(out, comparison)


def _is_shown(condition: Mapping[str, Scalar]) -> bool:
    """Clean examples; the noise is in the figure and in MLflow."""
    return condition.get("corruption") == "clean" and "sparsity" in condition


def _show_costs(out: Console, results: Sequence[EvalResult]) -> None:
    """What is left of each network, by one method of zeros and one that cuts units out."""
    listed = [(result, row) for result in results for row in _listed(result.details["networks"])]
    columns = (
        Column("what is left"),
        Column("removed"),
        Column("parameters"),
        Column("MFLOPs"),
        Column("zeros skipped", rank=7),
        Column("MB", rank=4),
        Column("deflated", rank=6),
        Column("ms at batch 1 (p95)", rank=3),
        Column("ms at batch 64 (p95)", rank=5),
    )
    rows = [(f"{result.checkpoint.name}, {row['method']}", *_cost(row)) for result, row in listed]
    out.print()
    show_table(out, columns, rows)
    for is_cut in sorted({_is_cut(row) for _, row in listed}):
        out.print(_NOTES[is_cut], style="dim")
    show_disturbed(out, [row[b] for _, row in listed for b in ("batch1", "batch64") if b in row])


def _listed(networks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Take the first curve, and the first that cuts units out: others cost nearly the same."""
    cut = [row for row in networks if _is_cut(row) and row["blocks"] is None]
    curves = {(row["method"], row["blocks"]) for row in (*networks[:1], *cut[:1])}
    return [row for row in networks if (row["method"], row["blocks"]) in curves]


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
    yield milliseconds(row["batch64"]) if _is_cut(row) else ""
