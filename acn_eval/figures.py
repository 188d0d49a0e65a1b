"""Draws accuracy against the level of a corruption, one line per network with its 95 % band."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from acn_eval.results import EvalResult
from acn_eval.statistics import Accuracy, Comparison, Estimate, summarise
from acn_eval.statistics.comparison_io import FILE, comparison_key
from acn_eval.statistics.curves import Curves, curves

__all__ = [
    "COLOURS",
    "NAME",
    "accuracy_curves",
    "comparison_curves",
    "draw_comparison",
    "draw_missing",
    "draw_result",
    "save_figure",
]

NAME = "accuracy"

# Okabe and Ito's palette without its yellow: told apart with any colour vision, also in print.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_PANEL = (4.0, 3.3)  # inches
_COLUMNS = 3
_GAP = 0.055  # between two labels, as a share of the height of a panel

_Line = list[tuple[float, Estimate]]


def accuracy_curves(networks: Mapping[str, Sequence[Accuracy]], *, title: str = "") -> Figure:
    """Return one panel per line of the suite's curves, all networks over each other.

    Args:
        networks: the accuracies of each network, as `acn_eval.statistics.summarise` gives them,
            by the label that stands at the end of its line.
        title: stands above the panels.
    """
    found = {label: _curves(accuracies) for label, accuracies in networks.items()}
    lines = {label: _lines(found[label], own) for label, own in networks.items()}
    names = list(dict.fromkeys(name for own in lines.values() for name in own))
    figure, panels = _panels(len(names), title)
    axis = next(iter(found.values())).axis
    for axes, name in zip(panels, names, strict=True):
        for number, own in enumerate(lines.values()):
            _draw(axes, own.get(name, []), number)
        axes.set_title(name.replace("_", " "), fontsize=10, loc="left")
        axes.set_xlabel(axis.label)
        if axis.logarithmic:
            axes.set_xscale("log")
    panels[0].set_ylabel("accuracy, % (band: 95 %)")
    for axes, name in zip(panels, names, strict=True):
        _label_ends(axes, {label: own.get(name, []) for label, own in lines.items()})
    return figure


def comparison_curves(comparison: Comparison) -> Figure:
    """Return the curves of both sides, with the verdict above them."""
    left, right = comparison.candidate.label, comparison.baseline.label
    networks = {
        left: [Accuracy(r.name, r.condition, r.n, r.candidate) for r in comparison.rows],
        right if right != left else f"{right} (baseline)": [
            Accuracy(r.name, r.condition, r.n, r.baseline) for r in comparison.rows
        ],
    }
    return accuracy_curves(networks, title=comparison.claim.sentence)


def save_figure(figure: Figure, folder: Path, name: str) -> tuple[Path, Path]:
    """Write the figure as PNG and as SVG; the same figure gives the same bytes."""
    FigureCanvasAgg(figure)
    png, svg = folder / f"{name}.png", folder / f"{name}.svg"
    with mpl.rc_context({"svg.hashsalt": "acn-eval", "svg.fonttype": "none"}):
        figure.savefig(png, dpi=144, metadata={"Software": None})
        figure.savefig(svg, metadata={"Date": None, "Creator": None})
    return png, svg


def draw_result(result: EvalResult, folder: Path) -> tuple[Path, Path]:
    """Draw the curves of one checkpoint into the folder of its result."""
    networks = {result.checkpoint.name: summarise([result])}
    title = f"{result.data.name} {result.data.split}, {result.data.n} images"
    return save_figure(accuracy_curves(networks, title=title), folder, NAME)


def draw_comparison(comparison: Comparison, folder: Path) -> tuple[Path, Path]:
    """Draw the curves of both sides into the folder of their comparison."""
    return save_figure(comparison_curves(comparison), folder, NAME)


def draw_missing(
    results: Sequence[EvalResult], comparisons: Sequence[Comparison], folders: Mapping[str, Path]
) -> None:
    """Draw what has no figure, or an older one, by the key of its result or comparison."""
    for result in results:
        if _outdated(folders[result.key], "result.json"):
            draw_result(result, folders[result.key])
    for comparison in comparisons:
        folder = folders[comparison_key(comparison)]
        if _outdated(folder, FILE):
            draw_comparison(comparison, folder)


def _outdated(folder: Path, facts: str) -> bool:
    figure = folder / f"{NAME}.svg"
    return not figure.exists() or figure.stat().st_mtime < (folder / facts).stat().st_mtime


def _curves(accuracies: Sequence[Accuracy]) -> Curves:
    return curves([row.condition for row in accuracies if row.condition])


def _lines(found: Curves, accuracies: Sequence[Accuracy]) -> dict[str, _Line]:
    rows = [accuracy for accuracy in accuracies if accuracy.condition]
    return {
        name: [(place.level, rows[place.at].estimate) for place in places]
        for name, places in found.drawn().items()
    }


def _panels(count: int, title: str) -> tuple[Figure, list[Axes]]:
    columns = min(count, _COLUMNS)
    rows = math.ceil(count / columns)
    width = max(columns * _PANEL[0], 6.0)
    lines = textwrap.wrap(title, int(width * 13))
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
    colour, marker = COLOURS[number % len(COLOURS)], _MARKERS[number % len(_MARKERS)]
    axes.fill_between(levels, lows, highs, color=colour, alpha=0.15, linewidth=0)
    axes.vlines(levels, lows, highs, color=colour, alpha=0.4, linewidth=1)
    axes.plot(levels, values, color=colour, marker=marker, markersize=4, linewidth=1.6)


def _label_ends(axes: Axes, lines: Mapping[str, _Line]) -> None:
    """Write each label beside the end of its line, moved apart where ends lie close."""
    bottom, top = axes.get_ylim()
    colours = dict(zip(lines, COLOURS * len(lines), strict=False))
    ends = sorted((100 * line[-1][1].value, label) for label, line in lines.items() if line)
    height = -math.inf
    for value, label in ends:
        height = max(value, height + _GAP * (top - bottom))
        axes.annotate(
            label,
            (1.0, height),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            color=colours[label],
            va="center",
            fontsize=8,
        )
