"""A comparison of two stored results, as rows for a table."""

from typing import Any

from acn_eval.statistics.comparison import Comparison, Estimate, Row
from acn_eval.statistics.quantity import Quantity

__all__ = ["facts"]

_HEAD = ("condition", "n", "candidate", "baseline", "difference", "p (Holm)", "MDE", "notes")


def facts(found: Comparison) -> dict[str, Any]:
    """Return what the page of a comparison shows: the primary endpoint comes first."""
    rows = ([found.primary] if found.primary else []) + [*found.rows]
    return {"found": found, "head": _HEAD, "rows": [_cells(row, found.quantity) for row in rows]}


def _cells(row: Row, of: Quantity) -> tuple[str, ...]:
    return (
        row.name,
        f"{row.n:,}",
        _limits(row.candidate, of),
        _limits(row.baseline, of),
        _limits(row.difference, of, "+"),
        f"{row.p_holm:.2g}",
        of.text(row.mde),
        ", ".join(row.notes),
    )


def _limits(e: Estimate, of: Quantity, sign: str = "") -> str:
    return of.limits(e.value, e.low, e.high, sign=sign)
