"""Which charts a report has: curves, maps over depth, a suite's own charts, differences."""

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

from acn_eval.report.charts import Line, forest, heat_map, line_chart
from acn_eval.report.inputs import Material
from acn_eval.report.page import Block, Drawing
from acn_eval.results import EvalResult
from acn_eval.statistics import Accuracy, Estimate, Row
from acn_eval.statistics.curves import Curves
from acn_eval.studies.compare import summarize

__all__ = ["charts", "curve_drawing", "differences", "heat_maps"]

_MOST_DIFFERENCES = 48
_Lines = Mapping[str, Line]


def curve_drawing(material: Material) -> Iterator[Drawing]:
    """Yield accuracy against the axis of the suite, one chart per line, all networks in each."""
    sides = _accuracies(material)
    found = {label: _lines(own, material) for label, own in sides.items()}
    axis = _curves(next(iter(sides.values())), material).axis
    names = list(dict.fromkeys(name for own in found.values() for name in own))
    floor, _ = _span([e.low for own in found.values() for line in own.values() for _, e in line])
    panels = tuple(
        (
            _spaced(name),
            line_chart(
                {label: own.get(name, ()) for label, own in found.items()},
                x_label=axis.label,
                title=f"Accuracy, {_spaced(name)}",
                floor=max(0.0, floor),
                logarithmic=axis.logarithmic,
            ),
        )
        for name in names
    )
    yield Drawing(f"Accuracy in % against {axis.label}, with 95 % bands", panels, tuple(sides))


def heat_maps(material: Material) -> Iterator[Drawing]:
    """Yield depth x noise, one map per network, where the axis is exits."""
    sides = _accuracies(material)
    first = _curves(next(iter(sides.values())), material)
    if not first.axis.mapped or len(first.lines) <= 2:
        return
    maps = tuple(
        (
            label,
            heat_map(
                {_spaced(name): line for name, line in _lines(own, material).items()},
                x_label=first.axis.label,
                title=f"Accuracy of {label} over depth and noise",
            ),
        )
        for label, own in sides.items()
    )
    yield Drawing("Accuracy in % over depth and noise", maps)


def charts(material: Material) -> Iterator[Drawing]:
    """Yield the charts that a suite keeps in its details, averaged over the files of a side.

    They are fractions of many kinds, so a drawing only says over what: one per axis.
    """
    own = {label: _averaged(results) for label, results in material.sides.items()}
    axes = {name: str(c["x"]) for found in own.values() for name, c in found.items()}
    for axis in dict.fromkeys(axes.values()):
        names = [name for name, x_label in axes.items() if x_label == axis]
        lines = {
            name: {label: _points(found.get(name)) for label, found in own.items()}
            for name in names
        }
        low, high = _span(
            [e.value for both in lines.values() for line in both.values() for _, e in line]
        )
        panels = tuple(
            (name, line_chart(both, x_label=axis, title=name, floor=low, ceiling=high))
            for name, both in lines.items()
        )
        yield Drawing(f"In % over {axis}, without bands{_files(material)}", panels, tuple(own))


def _averaged(results: Sequence[EvalResult]) -> dict[str, Mapping[str, Any]]:
    """Return charts by name: the mean of the files, or the first one's where their x differ."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for chart in (c for result in results for c in result.details.get("charts", ())):
        found.setdefault(str(chart["name"]), []).append(chart)
    return {name: {**own[0], "points": _mean(own)} for name, own in found.items()}


def _mean(charts: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    places = [[x for x, _ in chart["points"]] for chart in charts]
    if any(own != places[0] for own in places):
        return list(charts[0]["points"])
    columns = zip(*(chart["points"] for chart in charts), strict=True)
    return [(column[0][0], fmean(y for _, y in column)) for column in columns]


def _files(material: Material) -> str:
    many = len(material.results) > len(material.sides)
    return "; means of the files of a side, or the first one where their x differ" if many else ""


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
        return {material.labels[0]: [a for a in summarize(material.candidates) if a.condition]}
    rows = material.comparison.rows
    left, right = material.labels
    return {
        left: [Accuracy(r.name, r.condition, r.n, r.candidate) for r in rows],
        right: [Accuracy(r.name, r.condition, r.n, r.baseline) for r in rows],
    }


def _curves(accuracies: Sequence[Accuracy], material: Material) -> Curves:
    return material.analysis.curves([a.condition for a in accuracies])


def _lines(accuracies: Sequence[Accuracy], material: Material) -> _Lines:
    return {
        name: [(place.level, accuracies[place.at].estimate) for place in places]
        for name, places in _curves(accuracies, material).drawn().items()
    }


def _points(chart: Mapping[str, Any] | None) -> Line:
    return [(x, Estimate(y, y, y)) for x, y in chart["points"]] if chart else []


def _span(values: Sequence[float]) -> tuple[float, float]:
    """Tenths around all values, and up to 1 at least: charts of a drawing share one axis."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    return min(0.9, math.floor(10 * low) / 10), max(1.0, math.ceil(10 * high) / 10)


def _spaced(name: str) -> str:
    return name.replace("_", " ")
