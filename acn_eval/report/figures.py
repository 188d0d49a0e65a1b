"""Which charts a report has: curves, maps over depth, a suite's own charts, differences."""

import math
from collections.abc import Iterator, Mapping, Sequence

from acn_eval.report.charts import Line, forest, heat_map, line_chart
from acn_eval.report.material import Material
from acn_eval.report.page import Block, Drawing
from acn_eval.statistics import Accuracy, Estimate, Row, summarise
from acn_eval.statistics.curves import Curves, curves

__all__ = ["charts", "curve_drawing", "differences", "heat_maps"]

_MOST_DIFFERENCES = 48
_Lines = Mapping[str, Line]


def curve_drawing(material: Material) -> Iterator[Drawing]:
    """Yield accuracy against the axis of the suite, one chart per line, all networks in each."""
    sides = _accuracies(material)
    found = {label: _lines(own) for label, own in sides.items()}
    axis = _curves(next(iter(sides.values()))).axis
    names = list(dict.fromkeys(name for own in found.values() for name in own))
    floor = _floor([e.low for own in found.values() for line in own.values() for _, e in line])
    panels = tuple(
        (
            _spaced(name),
            line_chart(
                {label: own.get(name, ()) for label, own in found.items()},
                x_label=axis.label,
                title=f"Accuracy, {_spaced(name)}",
                floor=floor,
                logarithmic=axis.logarithmic,
            ),
        )
        for name in names
    )
    yield Drawing(f"Accuracy in % against {axis.label}, with 95 % bands", panels, tuple(sides))


def heat_maps(material: Material) -> Iterator[Drawing]:
    """Yield depth x noise, one map per network, where the axis is exits."""
    sides = _accuracies(material)
    first = _curves(next(iter(sides.values())))
    if first.axis.field != "exit" or len(first.lines) <= 2:
        return
    maps = tuple(
        (
            label,
            heat_map(
                {_spaced(name): line for name, line in _lines(own).items()},
                x_label=first.axis.label,
                title=f"Accuracy of {label} over depth and noise",
            ),
        )
        for label, own in sides.items()
    )
    yield Drawing("Accuracy in % over depth and noise", maps)


def charts(material: Material) -> Iterator[Drawing]:
    """Yield the charts that a suite keeps in its details, of the first file of each side."""
    own = {
        label: {str(c["name"]): c for c in results[0].details.get("charts", ())}
        for label, results in material.sides.items()
    }
    names = list(dict.fromkeys(name for found in own.values() for name in found))
    if not names:
        return
    x_labels = {n: next(f[n]["x"] for f in own.values() if n in f) for n in names}
    points = {
        name: {
            label: [(x, Estimate(y, y, y)) for x, y in found[name]["points"]]
            if name in found
            else []
            for label, found in own.items()
        }
        for name in names
    }
    floor = _floor(
        [e.low for lines in points.values() for line in lines.values() for _, e in line]
    )
    panels = tuple(
        (name, line_chart(points[name], x_label=str(x_labels[name]), title=name, floor=floor))
        for name in names
    )
    yield Drawing("Accuracy in % against cost, without bands", panels, tuple(own))


def differences(material: Material) -> tuple[Block, ...]:
    """Return candidate - baseline with the simultaneous band, where these can be read."""
    comparison = material.comparison
    if comparison is None:
        return ()
    rows: Sequence[Row] = comparison.rows
    shown = "all conditions"
    if len(rows) > _MOST_DIFFERENCES:
        shown = f"all {len(rows)} conditions, of which those on undisturbed images are drawn"
        rows = [row for row in rows if row.condition.get("corruption", "clean") == "clean"]
    if not rows or len(rows) > _MOST_DIFFERENCES:
        return ()
    lines = [(r.name, Estimate(r.difference.value, r.band_low, r.band_high)) for r in rows]
    primary = comparison.primary
    drawn = forest([*lines, (primary.name, primary.difference)], title="Differences in points")
    left, right = material.labels
    caption = (
        f"{left} - {right} in points; lines are the simultaneous 95 % band over {shown}, "
        f"and the interval of the primary end point ({primary.name}, square)"
    )
    return (Drawing(caption, (("", drawn),)),)


def _accuracies(material: Material) -> dict[str, list[Accuracy]]:
    """Rows of every side; those of a stored comparison are there without its results."""
    if material.comparison is None:
        return {material.labels[0]: [a for a in summarise(material.candidates) if a.condition]}
    rows = material.comparison.rows
    left, right = material.labels
    return {
        left: [Accuracy(r.name, r.condition, r.n, r.candidate) for r in rows],
        right: [Accuracy(r.name, r.condition, r.n, r.baseline) for r in rows],
    }


def _curves(accuracies: Sequence[Accuracy]) -> Curves:
    return curves([a.condition for a in accuracies])


def _lines(accuracies: Sequence[Accuracy]) -> _Lines:
    return {
        name: [(place.level, accuracies[place.at].estimate) for place in places]
        for name, places in _curves(accuracies).drawn().items()
    }


def _floor(lows: Sequence[float]) -> float:
    """The next lower tenth, so that all charts of a drawing share one axis."""
    return max(0.0, min(0.9, math.floor(10 * min(lows, default=0.0)) / 10))


def _spaced(name: str) -> str:
    return name.replace("_", " ")
