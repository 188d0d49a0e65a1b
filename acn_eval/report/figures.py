"""The differences of a comparison, drawn where they can be read."""

from collections.abc import Sequence

from acn_eval.charts import forest
from acn_eval.report.inputs import Material
from acn_eval.report.page import Block, Drawing
from acn_eval.statistics import Estimate, Row

__all__ = ["differences"]

_MOST = 48


def differences(material: Material) -> tuple[Block, ...]:
    """Return candidate - baseline with the simultaneous band, where these can be read."""
    comparison = material.comparison
    if comparison is None:
        return ()
    rows: Sequence[Row] = comparison.rows
    shown = "all conditions"
    if len(rows) > _MOST:
        shown = f"all {len(rows)} conditions, of which those on clean examples are drawn"
        rows = [row for row in rows if row.condition.get("corruption", "clean") == "clean"]
    if not rows or len(rows) > _MOST:
        return ()
    lines = [(r.name, Estimate(r.difference.value, r.band_low, r.band_high)) for r in rows]
    primary = comparison.primary
    panel = forest([*lines, (primary.name, primary.difference)])
    left, right = material.labels
    caption = (
        f"{left} - {right} in points; lines are the simultaneous 95 % band over {shown}, "
        f"and the interval of the primary end point ({primary.name}, square)"
    )
    return (Drawing("differences", caption, (panel,)),)
