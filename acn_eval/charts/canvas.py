"""Panels that are drawn as a figure on disk or inside a page.

Matplotlib is imported to draw: a run whose figures are there does without.
"""

import io
import math
import textwrap
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from acn_eval.atomic import replacing
from acn_eval.foreign_text import drawn, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["COLORS", "DARK", "STYLES", "TONES", "Drawing", "Panel", "inline", "save"]

# Okabe and Ito's palette without its yellow: distinct with any color vision, also in print.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
STYLES: tuple[dict[str, Any], ...] = tuple(
    {"color": c, "marker": m} for c, m in zip(COLORS, MARKERS, strict=True)
)
TONES = {"gain": "#1a6b37", "loss": "#b3261e", "open": "#595959"}
DARK = "#0d0d0d"
"""Letters on a light color, which stays light on a dark page; black is the ink of the page."""
_DIM, _RULE = "#595959", "#e6e6e6"
_ON_PAGE = {
    COLORS[0]: "var(--first)",
    COLORS[1]: "var(--second)",
    TONES["gain"]: "var(--good)",
    TONES["loss"]: "var(--bad)",
    "#000000": "var(--ink)",
    _DIM: "var(--dim)",
    _RULE: "var(--rule)",
}
"""Colors of a figure by those of the style sheet, which has a light and a dark scheme."""
_STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": _DIM,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.labelcolor": _DIM,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titley": 1.0,
    "font.sans-serif": ["DejaVu Sans"],
    "grid.color": _RULE,
    "lines.linewidth": 1.6,
    "lines.markersize": 4,
    "svg.fonttype": "none",
    "xtick.color": _DIM,
    "ytick.color": _DIM,
}
_DPI = 144  # of a PNG
_SCALE = 1.15  # CSS pixels of a page per point of a figure
_WIDEST = 13.0  # inches
_LABEL, _TITLE = 48, 1000  # characters
_ONE_AT_A_TIME = Lock()  # settings of Matplotlib belong to the process


@dataclass(frozen=True)
class Panel:
    """One chart.

    Attributes:
        draw: draws the chart on empty axes.
        words: its numbers, for readers who cannot see it.
        size: width and height in inches.
    """

    title: str
    draw: "Callable[[Axes], None]"
    words: str
    size: tuple[float, float] = (4.0, 2.8)


@dataclass(frozen=True)
class Drawing:
    """One or more panels side by side; the name is that of the file.

    `legend` holds the labels in the order of their colors.
    """

    name: str
    caption: str
    panels: tuple[Panel, ...]
    legend: tuple[str, ...] = ()


def save(drawing: Drawing, folder: Path, title: str = "") -> None:
    """Write PNG and SVG, named after the drawing; the same drawing gives the same bytes."""
    with _styled("acn-eval"):
        figure = _laid_out(_figure(drawing, title))
        with replacing(folder / f"{drawing.name}.png", sync=False) as part:
            figure.set_dpi(_DPI)
            canvas: Any = figure.canvas
            canvas.print_png(part, metadata={"Software": None})
        with replacing(folder / f"{drawing.name}.svg", sync=False) as part:
            part.write_text(_svg(figure), encoding="utf-8")


def inline(panel: Panel, salt: str) -> str:
    """Return a panel as SVG for a page: without its title, in the colors of the page.

    The salt makes its ids differ from those of all other panels on the page.
    """
    with _styled(salt):
        figure = _blank(panel.size, facecolor="none")
        panel.draw(figure.subplots(subplot_kw={"facecolor": "none"}))
        svg = ET.fromstring(_svg(_laid_out(figure)))
    return ET.tostring(_of_the_page(svg, panel), encoding="unicode")


def _blank(size: tuple[float, float], **options: Any) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(size, layout="constrained", **options)


def _svg(figure: "Figure") -> str:
    """Draw once: `Figure.savefig` draws twice."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    canvas: Any = FigureCanvasSVG(figure)
    with io.StringIO() as file:
        canvas.print_svg(file, metadata={"Date": None, "Creator": None})
        return file.getvalue()


def _of_the_page(svg: ET.Element, panel: Panel) -> ET.Element:
    for part in [part for part in svg if not part.tag.endswith("}g")]:
        svg.remove(part)  # metadata, and a style for all elements of the page
    elements = list(svg.iter())
    for element in elements:
        element.tag = _local(element.tag)
        own = {_local(name): value for name, value in element.attrib.items()}
        own.pop("clip-path", None)
        if "style" in own:
            own["style"] = _themed(own["style"])
        element.attrib = own
    used = {own.get("href", "#")[1:] for own in elements}
    for element in elements:
        if element.get("id") not in used:
            element.attrib.pop("id", None)
    width = float(svg.get("viewBox", "").split()[2])
    title, words = plain(panel.title), plain(panel.words)
    for name, text in (("desc", words), ("title", title)):
        svg.insert(0, ET.Element(name))
        svg[0].text = text
    svg.attrib = {
        "viewBox": svg.get("viewBox", ""),
        "role": "img",
        "aria-label": f"{title}. {words}",
        "style": f"--width: {_SCALE * width:.0f}",
    }
    return svg


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _themed(style: str) -> str:
    for color, variable in _ON_PAGE.items():
        style = style.replace(color, variable)
    return style


@contextmanager
def _styled(salt: str) -> Iterator[None]:
    import matplotlib as mpl

    with (
        _ONE_AT_A_TIME,
        mpl.rc_context({**_STYLE, "svg.hashsalt": salt}),
        warnings.catch_warnings(),
    ):
        # Names in letters that the font lacks, and labels that leave no room for the axes.
        warnings.filterwarnings("ignore", "Glyph|constrained_layout not applied", UserWarning)
        yield


def _figure(drawing: Drawing, title: str) -> "Figure":
    panels = drawing.panels
    width, height = (max(panel.size[i] for panel in panels) for i in (0, 1))
    columns = max(1, min(len(panels), int(_WIDEST // width)))
    rows = math.ceil(len(panels) / columns)
    letters = int(max(columns * width, 6.0) * 13)
    texts = (drawn(title, _TITLE), drawn(drawing.caption, _TITLE))
    lines = [line for text in texts for line in textwrap.wrap(text, letters) or [""]]
    below = len(lines) + len(drawing.legend) + 1
    size = (max(columns * width, 6.0), rows * (height + 0.3) + 0.2 * below)
    figure = _blank(size)
    every = figure.subplots(rows, columns, squeeze=False).flatten()
    for axes, panel in zip(every, panels, strict=False):
        panel.draw(axes)
        axes.set_title(drawn(panel.title, _LABEL))
    for axes in every[len(panels) :]:
        axes.set_visible(False)
    figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=10)
    _legend(figure, drawing.legend)
    return figure


def _laid_out(figure: "Figure") -> "Figure":
    """Fix the places of all parts: else every format works them out, twice."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)  # from now on the canvas of the figure
    engine = figure.get_layout_engine()
    assert engine is not None
    engine.execute(figure)
    figure.set_layout_engine("none")
    return figure


def _legend(figure: "Figure", labels: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    named = zip(labels, cycle(STYLES), strict=False)
    handles = [Line2D([], [], label=drawn(label, _LABEL), **style) for label, style in named]
    if handles:
        figure.legend(handles=handles, loc="outside lower left", frameon=False)
