"""Draws accuracy against the level of a corruption, one line per network with its 95 % band."""

import math
import textwrap
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from acn_eval.atomic import replacing
from acn_eval.foreign_text import drawn
from acn_eval.results import EvalResult
from acn_eval.statistics import Accuracy, Comparison, Estimate
from acn_eval.statistics.analysis import Analysis
from acn_eval.statistics.comparison_io import FILE, comparison_key
from acn_eval.statistics.curves import Curves
from acn_eval.studies.compare import analysis_about, summarize
from acn_eval.studies.table import analysis_of, study_of

__all__ = [
    "COLOURS",
    "NAME",
    "accuracy_curves",
    "chart_curves",
    "comparison_curves",
    "draw_comparison",
    "draw_missing",
    "draw_result",
    "heat_map",
    "save_figure",
]

NAME = "accuracy"

# Okabe and Ito's palette without its yellow: told apart with any colour vision, also in print.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_PANEL = (4.0, 3.3)  # inches
_COLUMNS = 3
_LABEL, _TITLE = 48, 1000  # characters
_GAP = 0.055  # between two labels, as a share of the height of a panel

_Line = list[tuple[float, Estimate]]
Chart = Mapping[str, Any]
"""What `EvalResult.details` keeps beside the conditions: name, x (label), points (x, y)."""


def accuracy_curves(
    networks: Mapping[str, Sequence[Accuracy]], analysis: Analysis, *, title: str = ""
) -> Figure:
    """Return one panel per line of the suite's curves, all networks over each other.

    Args:
        networks: the accuracies of each network, as `acn_eval.statistics.summarise` gives them,
            by the label that stands at the end of its line.
        analysis: of their study.
        title: stands above the panels.
    """
    found = {label: _curves(accuracies, analysis) for label, accuracies in networks.items()}
    lines = {label: _lines(found[label], own) for label, own in networks.items()}
    names = list(dict.fromkeys(name for own in lines.values() for name in own))
    figure, panels = _panels(len(names), title)
    axis = next(iter(found.values())).axis
    for axes, name in zip(panels, names, strict=True):
        for number, own in enumerate(lines.values()):
            _draw(axes, own.get(name, []), number)
        axes.set_title(drawn(name.replace("_", " "), _LABEL), fontsize=10, loc="left")
        axes.set_xlabel(drawn(axis.label, _LABEL))
        if axis.logarithmic:
            axes.set_xscale("log")
    panels[0].set_ylabel("accuracy, % (band: 95 %)")
    for axes, name in zip(panels, names, strict=True):
        _label_ends(axes, {label: own.get(name, []) for label, own in lines.items()})
    return figure


def comparison_curves(comparison: Comparison) -> Figure:
    """Return the curves of both sides, with the verdict above them."""
    analysis = analysis_about(comparison)
    return accuracy_curves(_sides(comparison), analysis, title=comparison.claim.sentence)


def _sides(comparison: Comparison) -> dict[str, list[Accuracy]]:
    left, right = comparison.candidate.label, comparison.baseline.label
    return {
        left: [Accuracy(r.name, r.condition, r.n, r.candidate) for r in comparison.rows],
        right if right != left else f"{right} (baseline)": [
            Accuracy(r.name, r.condition, r.n, r.baseline) for r in comparison.rows
        ],
    }


def chart_curves(networks: Mapping[str, Sequence[Chart]], *, title: str = "") -> Figure:
    """Return one panel per chart that a suite keeps in its details, all networks over each other.

    Args:
        networks: charts (``name``, ``x`` and ``points`` of (x, fraction)) by label.
        title: stands above the panels.
    """
    names = list(dict.fromkeys(c["name"] for own in networks.values() for c in own))
    figure, panels = _panels(len(names), title)
    for axes, name in zip(panels, names, strict=True):
        own = {label: _chart(charts, name) for label, charts in networks.items()}
        for number, chart in enumerate(own.values()):
            _draw(axes, _points(chart), number)
        axes.set_xlabel(drawn(next(chart["x"] for chart in own.values() if chart["x"]), _LABEL))
        axes.set_title(drawn(name, _LABEL), fontsize=10, loc="left")
        _label_ends(axes, {label: _points(chart) for label, chart in own.items()})
    panels[0].set_ylabel("in %")
    return figure


def heat_map(
    networks: Mapping[str, Sequence[Accuracy]], analysis: Analysis, *, title: str = ""
) -> Figure:
    """Return the map of accuracy over depth and condition, one panel per network, in percent."""
    figure, panels = _panels(len(networks), title)
    for axes, (label, accuracies) in zip(panels, networks.items(), strict=True):
        found = _curves(accuracies, analysis)
        lines = _lines(found, accuracies)
        values = [[100 * estimate.value for _, estimate in line] for line in lines.values()]
        axes.imshow(values, cmap="viridis", vmin=0, vmax=100, aspect="auto")
        axes.grid(visible=False)
        names = [drawn(name.replace("_", " "), _LABEL) for name in lines]
        axes.set_yticks(range(len(lines)), names)
        axes.set_xlabel(drawn(found.axis.label, _LABEL))
        axes.set_title(drawn(label, _LABEL), fontsize=10, loc="left")
        for row, line in enumerate(values):
            for column, value in enumerate(line):
                color = "white" if value < 60 else "black"
                axes.text(
                    column, row, f"{value:.0f}", ha="center", va="center", fontsize=6, color=color
                )
    return figure


def save_figure(figure: Figure, folder: Path, name: str) -> tuple[Path, Path]:
    """Write the figure as PNG and as SVG; the same figure gives the same bytes."""
    FigureCanvasAgg(figure)
    png, svg = folder / f"{name}.png", folder / f"{name}.svg"
    with (
        mpl.rc_context({"svg.hashsalt": "acn-eval", "svg.fonttype": "none"}),
        warnings.catch_warnings(),
    ):
        # Names in letters that the font has not, and labels that leave the axes no room.
        warnings.filterwarnings("ignore", "Glyph|constrained_layout not applied", UserWarning)
        with replacing(png, sync=False) as part:
            figure.savefig(part, format="png", dpi=144, metadata={"Software": None})
        with replacing(svg, sync=False) as part:
            figure.savefig(part, format="svg", metadata={"Date": None, "Creator": None})
    return png, svg


def draw_result(result: EvalResult, folder: Path) -> tuple[Path, Path]:
    """Draw the curves, maps and charts of one checkpoint into the folder of its result.

    A study with figures of its own has these instead of maps and charts.
    """
    networks = {result.checkpoint.name: summarize([result])}
    analysis = analysis_of(result.suite)
    title = f"{result.data.name} {result.data.split}, {result.data.n} images"
    own = getattr(study_of(result.suite).figure, "of_result", None)
    if own is None:
        _draw_more(networks, [result], title, folder, analysis)
    else:
        _save_all(own(result), folder)
    return save_figure(accuracy_curves(networks, analysis, title=title), folder, NAME)


def draw_comparison(
    comparison: Comparison, folder: Path, results: Sequence[EvalResult] = ()
) -> tuple[Path, Path]:
    """Draw the curves of both sides into the folder of their comparison.

    Charts are drawn of the results of both sides, where they are given.
    """
    keys = (*comparison.candidate.keys, *comparison.baseline.keys)
    own = [result for result in results if result.key in keys]
    title = comparison.claim.sentence
    figures = getattr(study_of(own[0].suite).figure, "of_comparison", None) if own else None
    if figures is None:
        _draw_more(_sides(comparison), own, title, folder, analysis_about(comparison))
    else:
        _save_all(figures(_by_side(comparison, own), title), folder)
    return save_figure(comparison_curves(comparison), folder, NAME)


def _by_side(comparison: Comparison, results: Sequence[EvalResult]) -> dict[str, list[EvalResult]]:
    return {
        arm.label: [result for result in results if result.key in arm.keys]
        for arm in (comparison.candidate, comparison.baseline)
    }


def _save_all(figures: Mapping[str, Figure], folder: Path) -> None:
    for name, figure in figures.items():
        save_figure(figure, folder, name)


def _draw_more(
    networks: Mapping[str, Sequence[Accuracy]],
    results: Sequence[EvalResult],
    title: str,
    folder: Path,
    analysis: Analysis,
) -> None:
    """Draw the map over depth where several lines are exits, and charts where there are some."""
    first = _curves(next(iter(networks.values())), analysis)
    if first.axis.mapped and len(first.lines) > 2:
        save_figure(heat_map(networks, analysis, title=title), folder, "depth_map")
    charts = {r.checkpoint.name: r.details["charts"] for r in results if r.details.get("charts")}
    if charts:
        save_figure(chart_curves(charts, title=title), folder, "charts")


def draw_missing(
    results: Sequence[EvalResult], comparisons: Sequence[Comparison], folders: Mapping[str, Path]
) -> None:
    """Draw what has no figure, or an older one, by the key of its result or comparison."""
    compared = {key for c in comparisons for key in (*c.candidate.keys, *c.baseline.keys)}
    for result in results:
        suite = result.suite
        alone = result.key not in compared or analysis_of(suite).endpoint_of(suite).alone
        if alone and _outdated(folders[result.key], "result.json"):
            draw_result(result, folders[result.key])
    for comparison in comparisons:
        folder = folders[comparison_key(comparison)]
        if _outdated(folder, FILE):
            draw_comparison(comparison, folder, results)


def _outdated(folder: Path, facts: str) -> bool:
    figure = folder / f"{NAME}.svg"
    return not figure.exists() or figure.stat().st_mtime < (folder / facts).stat().st_mtime


def _curves(accuracies: Sequence[Accuracy], analysis: Analysis) -> Curves:
    return analysis.curves([row.condition for row in accuracies if row.condition])


def _lines(found: Curves, accuracies: Sequence[Accuracy]) -> dict[str, _Line]:
    rows = [accuracy for accuracy in accuracies if accuracy.condition]
    return {
        name: [(place.level, rows[place.at].estimate) for place in places]
        for name, places in found.drawn().items()
    }


def _chart(charts: Sequence[Chart], name: str) -> Chart:
    return next((c for c in charts if c["name"] == name), {"name": name, "x": "", "points": []})


def _points(chart: Chart) -> _Line:
    return [(x, Estimate(y, y, y)) for x, y in chart["points"]]


def _panels(count: int, title: str) -> tuple[Figure, list[Axes]]:
    columns = min(count, _COLUMNS)
    rows = math.ceil(count / columns)
    width = max(columns * _PANEL[0], 6.0)
    lines = textwrap.wrap(drawn(title, _TITLE), int(width * 13))
    figure = Figure((width, rows * _PANEL[1] + 0.2 * len(lines)), layout="constrained")
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False).flatten()
    for axes in grid:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="0.9", linewidth=0.8)
    for axes in grid[count:]:
        axes.set_visible(False)
    figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=10)
    return figure, list(grid[:count])


def _draw(axes: Axes, line: _Line, number: int) -> None:
    levels = [level for level, _ in line]
    values, lows, highs = (
        [100 * getattr(estimate, side) for _, estimate in line]
        for side in ("value", "low", "high")
    )
    color, marker = COLOURS[number % len(COLOURS)], _MARKERS[number % len(_MARKERS)]
    axes.fill_between(levels, lows, highs, color=color, alpha=0.15, linewidth=0)
    axes.vlines(levels, lows, highs, color=color, alpha=0.4, linewidth=1)
    axes.plot(levels, values, color=color, marker=marker, markersize=4, linewidth=1.6)


def _label_ends(axes: Axes, lines: Mapping[str, _Line]) -> None:
    """Write each label beside the end of its line, moved apart where ends lie close."""
    bottom, top = axes.get_ylim()
    colours = dict(zip(lines, COLOURS * len(lines), strict=False))
    ends = sorted((100 * line[-1][1].value, label) for label, line in lines.items() if line)
    height = -math.inf
    for value, label in ends:
        height = max(value, height + _GAP * (top - bottom))
        axes.annotate(
            drawn(label, _LABEL),
            (1.0, height),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            color=colours[label],
            va="center",
            fontsize=8,
        )
