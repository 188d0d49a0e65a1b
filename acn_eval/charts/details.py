"""Charts of the curves that a study keeps in the details of its results."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

from acn_eval.charts.canvas import Drawing
from acn_eval.charts.kinds import Line, curves
from acn_eval.results import EvalResult
from acn_eval.statistics import Estimate

__all__ = ["Sides", "detail_charts"]

Sides = Mapping[str, Sequence[EvalResult]]
"""Results by the label of their side, in the order of the colors."""
_Chart = Mapping[str, Any]
"""``name``, ``x`` (label) and ``points`` of (x, fraction)."""


def detail_charts(sides: Sides) -> Iterator[Drawing]:
    """Yield the charts in the details of results, averaged over the files of a side.

    They are fractions of many kinds; those over one axis stand together and have one height.
    """
    own = {label: _averaged(results) for label, results in sides.items()}
    axes = {name: str(c["x"]) for found in own.values() for name, c in found.items()}
    if not axes:
        return
    panels = [
        panel
        for axis in dict.fromkeys(axes.values())
        for panel in curves(
            {
                name: {label: _points(found.get(name)) for label, found in own.items()}
                for name, x_label in axes.items()
                if x_label == axis
            },
            x_label=axis,
        )
    ]
    many = max(map(len, sides.values())) > 1
    note = "; means of the files of a side, or the first one where their x differ" if many else ""
    over = " and ".join(dict.fromkeys(axes.values()))
    yield Drawing("charts", f"In % over {over}, without bands{note}", tuple(panels), tuple(own))


def _averaged(results: Sequence[EvalResult]) -> dict[str, _Chart]:
    """Return charts by name: the mean of the files, or the first one's where their x differ."""
    found: dict[str, list[_Chart]] = {}
    for chart in (c for result in results for c in result.details.get("charts", ())):
        found.setdefault(str(chart["name"]), []).append(chart)
    return {name: {**own[0], "points": _mean(own)} for name, own in found.items()}


def _mean(charts: Sequence[_Chart]) -> list[tuple[float, float]]:
    places = [[x for x, _ in chart["points"]] for chart in charts]
    if any(own != places[0] for own in places):
        return list(charts[0]["points"])
    columns = zip(*(chart["points"] for chart in charts), strict=True)
    return [(column[0][0], fmean(y for _, y in column)) for column in columns]


def _points(chart: _Chart | None) -> Line:
    return [(x, Estimate(y, y, y)) for x, y in chart["points"]] if chart else []
