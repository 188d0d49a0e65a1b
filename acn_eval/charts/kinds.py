"""The kinds of charts: curves, maps, differences around 0, and accuracy over confidence."""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import cycle
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from acn_eval.charts.canvas import COLORS, DARK, STYLES, TONES, Drawing, Panel
from acn_eval.foreign_text import drawn
from acn_eval.results import EvalResult
from acn_eval.statistics import Estimate
from acn_eval.statistics.quantity import Quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Line", "Sides", "color_map", "curves", "detail_charts"]
__all__ += ["forest", "heat_map", "ranked", "reliability"]

Line = Sequence[tuple[float, Estimate]]
"""Points (place, fraction of 1) in the order of the axis."""
Sides = Mapping[str, Sequence[EvalResult]]
"""Results by the label of their side, in the order of the colors."""
_Chart = Mapping[str, Any]
"""``name``, ``x`` (label) and ``points`` of (x, fraction)."""

_LABEL = 80  # characters
_LETTER = 0.09  # inches, on average
_TICKS, _STEPS = 6, (1, 2, 2.5, 5, 10)
_LUMINANCE = (0.2126, 0.7152, 0.0722)  # of red, green and blue (WCAG 2.2)
_FULL = 20  # cells a side of a map whose numbers can be read


def curves(
    charts: Mapping[str, Mapping[str, Line]], *, x_label: str, logarithmic: bool = False
) -> tuple[Panel, ...]:
    """Return lines with their bands in percent, one panel per chart, all with equal limits.

    Args:
        charts: lines by label, in the order of their colors, by title.
        x_label: stands below the axis.
        logarithmic: whether equal ratios are equal distances.
    """
    points = [e for lines in charts.values() for line in lines.values() for _, e in line]
    sides = [[e.low for e in points], [e.value for e in points], [e.high for e in points]]
    # Tenths around all values; one seed has no limits.
    low = math.floor(10 * np.nanmin(sides)) / 10 if points else 0.0
    high = max(low + 0.1, math.ceil(10 * np.nanmax(sides)) / 10) if points else 1.0
    draw = partial(_curves, x_label=x_label, logarithmic=logarithmic, limits=(low, high))
    return tuple(
        Panel(title, partial(draw, lines=lines), _in_words(lines, x_label))
        for title, lines in charts.items()
    )


def _curves(
    axes: "Axes",
    lines: Mapping[str, Line],
    x_label: str,
    *,
    logarithmic: bool,
    limits: tuple[float, float],
) -> None:
    for style, line in zip(cycle(STYLES), lines.values(), strict=False):
        places = [place for place, _ in line]
        low, value, high = (
            [100 * getattr(e, side) for _, e in line] for side in ("low", "value", "high")
        )
        if len(places) == 1:
            axes.vlines(places, low, high, color=style["color"], alpha=0.4)
        elif low != high:
            axes.fill_between(places, low, high, color=style["color"], alpha=0.15, linewidth=0)
        axes.plot(places, value, **style)
    margin = 3 * (limits[1] - limits[0])  # marks at the edges are whole
    axes.set_ylim(100 * limits[0] - margin, 100 * limits[1] + margin)
    axes.locator_params(axis="y", nbins=_TICKS, steps=_STEPS)
    axes.set_xlabel(drawn(x_label, _LABEL))
    _places(axes, sorted({place for line in lines.values() for place, _ in line}), logarithmic)


def _places(axes: "Axes", places: Sequence[float], logarithmic: bool) -> None:
    """Label the axis: at the places themselves where it is logarithmic."""
    if logarithmic:
        shown = places[:: math.ceil(len(places) / _TICKS)]
        axes.set_xscale("log")
        axes.set_xticks(shown, [f"{place:g}" for place in shown])
        axes.minorticks_off()
    else:
        whole = all(float(place).is_integer() for place in places)
        axes.locator_params(axis="x", nbins=_TICKS, steps=_STEPS, integer=whole)


def heat_map(title: str, lines: Mapping[str, Line], *, x_label: str) -> Panel:
    """Return accuracy in percent over places (columns) and conditions (rows).

    Args:
        title: whose accuracy it is.
        lines: by the name of the condition, all with the same places.
        x_label: stands below the columns.
    """
    places = [f"{place:g}" for place, _ in next(iter(lines.values()))]
    values = [[100 * e.value for _, e in line] for line in lines.values()]
    names = [drawn(name, _LABEL) for name in lines]

    def draw(axes: "Axes") -> None:
        color_map(axes, values, highest=100)
        axes.set_yticks(range(len(names)), names)
        axes.set_xticks(range(len(places)), places)
        axes.set_xlabel(drawn(x_label, _LABEL))

    left = _LETTER * max(map(len, names))
    size = (max(left + 0.34 * len(places) + 0.2, 2.5), 0.27 * len(names) + 0.6)
    return Panel(title, draw, _in_words(lines, x_label), size)


def color_map(
    axes: "Axes", values: ArrayLike, *, highest: float = 1.0, label: str = "", **options: Any
) -> None:
    """Draw values of 0 to `highest` (rows, columns) as colors; NaN stays blank.

    Args:
        axes: where.
        values: small maps of percentages also show them as numbers.
        highest: the lightest color.
        label: of the bar of colors; without one there is no bar.
        options: of `Axes.imshow` and, of its bar, ``extend``.
    """
    extend = options.pop("extend", "neither")
    shown = np.asarray(values, dtype=np.float64)
    options = {"cmap": "viridis", "aspect": "auto", **options}
    image = axes.imshow(shown, vmin=0, vmax=highest, interpolation="none", **options)
    axes.grid(visible=False)
    if label:
        axes.figure.colorbar(image, ax=axes, label=label, extend=extend)
    elif max(shown.shape) <= _FULL:
        light = np.power(image.to_rgba(shown)[..., :3], 2.2) @ _LUMINANCE > 0.19
        for row, column in np.argwhere(np.isfinite(shown)):
            color = DARK if light[row, column] else "#ffffff"
            text = axes.text(column, row, f"{shown[row, column]:.0f}", fontsize=8, color=color)
            text.set(ha="center", va="center")


def forest(rows: Sequence[tuple[str, Estimate]]) -> Panel:
    """Return differences in points with their limits around 0; the last row is an endpoint.

    Args:
        rows: (name, difference as a fraction of 1).
    """
    names = [drawn(name, _LABEL) for name, _ in rows]
    words = "; ".join(
        f"{name}: {100 * e.value:+.1f} [{100 * e.low:+.1f}, {100 * e.high:+.1f}]"
        for name, e in rows
    )
    size = (_LETTER * max(map(len, names)) + 3.6, 0.26 * len(rows) + 0.5)
    return Panel("Differences in points", partial(_forest, rows=rows, names=names), words, size)


def _forest(axes: "Axes", rows: Sequence[tuple[str, Estimate]], names: Sequence[str]) -> None:
    last = len(rows) - 1
    axes.axvline(0, color=TONES["open"], linewidth=1)
    for at, (_, e) in enumerate(rows):
        color = TONES["gain" if e.low > 0 else "loss" if e.high < 0 else "open"]
        axes.plot([100 * e.low, 100 * e.high], [at, at], color=color)
        axes.plot(
            100 * e.value, at, color=color, marker=STYLES[at == last]["marker"], markersize=6
        )
    reach = 1.05 * max(1.0, *(100 * max(abs(e.low), abs(e.high)) for _, e in rows))
    axes.set_xlim(-reach, reach)
    axes.set_ylim(last + 0.6, -0.6)
    axes.grid(visible=False)
    axes.set_yticks(range(len(rows)), names, color="#000000")
    axes.get_yticklabels()[last].set_fontweight("bold")
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:+g}" if x else "0")
    axes.spines["left"].set_visible(False)


def ranked(rows: Sequence[tuple[str, Estimate, str]], of: Quantity) -> Panel:
    """Return values with their limits, a line each, the letters of a ranking beside them.

    Args:
        rows: (name, value, letters), the best first.
        of: what the values are.
    """
    names = [drawn(name, _LABEL) for name, *_ in rows]
    words = "; ".join(
        f"{name}: {of.limits(e.value, e.low, e.high)}, {letters}" for name, e, letters in rows
    )
    size = (_LETTER * max(map(len, names)) + 4.2, 0.3 * len(rows) + 0.6)
    title = of.head(of.name[:1].upper() + of.name[1:])
    return Panel(title, partial(_ranked, rows=rows, names=names, of=of), words, size)


def _ranked(
    axes: "Axes",
    rows: Sequence[tuple[str, Estimate, str]],
    names: Sequence[str],
    of: Quantity,
) -> None:
    for at, (_, e, letters) in enumerate(rows):
        low, value, high = (of.scale * x for x in (e.low, e.value, e.high))
        axes.plot([low, high], [at, at], color=COLORS[0])
        axes.plot(value, at, color=COLORS[0], marker="o", markersize=6)
        axes.text(1.02, at, letters, transform=axes.get_yaxis_transform(), va="center")
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    axes.set_yticks(range(len(rows)), names, color="#000000")
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=_TICKS, steps=_STEPS)
    axes.set_xlabel(of.head(of.name))
    axes.spines["left"].set_visible(False)


def reliability(title: str, lines: Mapping[str, Sequence[tuple[float, float, int]]]) -> Panel:
    """Return accuracy over confidence, with the diagonal of perfect calibration.

    Args:
        title: which predictions.
        lines: (confidence, accuracy, predictions) per bin, by label.
    """
    words = "; ".join(
        f"{label}: "
        + ", ".join(f"{100 * c:.0f} % sure, {100 * a:.0f} % right" for c, a, _ in line)
        for label, line in lines.items()
    )
    return Panel(title, partial(_reliability, lines=lines), words, (3.2, 2.8))


def _reliability(axes: "Axes", lines: Mapping[str, Sequence[tuple[float, float, int]]]) -> None:
    axes.plot([0, 100], [0, 100], color=TONES["open"], linewidth=1, linestyle="--")
    for style, line in zip(cycle(STYLES), lines.values(), strict=False):
        at, right, counts = np.array(line, dtype=np.float64).reshape(-1, 3).T
        axes.plot(100 * at, 100 * right, color=style["color"])
        sizes = (4 + 12 * np.sqrt(counts / counts.sum())) ** 2
        axes.scatter(100 * at, 100 * right, sizes, linewidth=0, **style)
    axes.set(xlim=(-3, 103), ylim=(-3, 103), xlabel="confidence, %")


def _in_words(lines: Mapping[str, Line], x_label: str) -> str:
    return f"By {x_label}. " + "; ".join(
        f"{label}: " + ", ".join(f"{100 * e.value:.1f} % at {place:g}" for place, e in line)
        for label, line in lines.items()
    )


def detail_charts(sides: Sides) -> Iterator[Drawing]:
    """Yield the charts in the details of results, averaged over the files of a side.

    Charts over the same axis are neighbors of the same height.
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
