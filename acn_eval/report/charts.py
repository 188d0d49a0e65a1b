"""Charts as plain SVG: text stays text, and colours come from the page's style sheet."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from xml.etree import ElementTree as ET

from acn_eval.foreign_text import plain
from acn_eval.statistics import Estimate

__all__ = ["Scale", "forest", "heat_map", "line_chart", "reliability"]

Line = Sequence[tuple[float, Estimate]]
"""Points (place, fraction of 1) in the order of the axis."""

_WIDTH, _HEIGHT = 320, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 38, 12, 10, 36
_APART = 26  # between two labels of the axis, in units of the drawing
_CHARACTER, _BOLD = 6.0, 7.0  # of a label, on average
_DIGIT = 7.0  # of a label, at most
_LABEL = 80  # characters of a label


@dataclass(frozen=True)
class Scale:
    """Maps an interval of values to an interval of the drawing, by logarithm if asked."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """Return the place of a value."""
        low, high, at = (self._axis(x) for x in (self.low, self.high, value))
        share = (at - low) / (high - low) if high > low else 0.5
        return self.start + share * (self.end - self.start)

    def _axis(self, value: float) -> float:
        return math.log(value) if self.logarithmic else value


def line_chart(
    lines: Mapping[str, Line],
    *,
    x_label: str,
    title: str,
    floor: float,
    ceiling: float = 1.0,
    logarithmic: bool = False,
) -> str:
    """Return curves over one axis, each with its band, in percent.

    Args:
        lines: by label, in the order of their colours.
        x_label: stands below the axis.
        title: for who cannot see it, with all values as its description.
        floor: lowest value of the axis, a fraction of 1.
        ceiling: highest value of the axis, a fraction of 1.
        logarithmic: whether equal ratios are equal distances.
    """
    svg = _svg(_WIDTH, _HEIGHT, title, _in_words(lines, x_label))
    places = sorted({place for line in lines.values() for place, _ in line})
    if not places:
        return _text_of(svg)
    x = Scale(places[0], places[-1], _LEFT + 6, _WIDTH - _RIGHT - 6, logarithmic)
    y = Scale(100 * floor, 100 * ceiling, _HEIGHT - _BOTTOM, _TOP)
    _grid(svg, y)
    _ticks(svg, x, places)
    _text(svg, (_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 4, x_label, "tick", anchor="middle")
    for number, line in enumerate(lines.values()):
        _draw(svg, line, x, y, number)
    return _text_of(svg)


def reliability(lines: Mapping[str, Sequence[tuple[float, float, int]]], *, title: str) -> str:
    """Return accuracy over confidence, with the diagonal of a network whose word is true.

    Args:
        lines: (confidence, accuracy, predictions) per bin, by label.
        title: for who cannot see it.
    """
    words = "; ".join(
        f"{label}: "
        + ", ".join(f"{100 * c:.0f} % sure, {100 * a:.0f} % right" for c, a, _ in line)
        for label, line in lines.items()
    )
    svg = _svg(240, _HEIGHT, title, words)
    x = Scale(0, 100, _LEFT, 240 - _RIGHT)
    y = Scale(0, 100, _HEIGHT - _BOTTOM, _TOP)
    _grid(svg, y)
    _ticks(svg, x, (0, 25, 50, 75, 100))
    _text(svg, (_LEFT + 240 - _RIGHT) / 2, _HEIGHT - 4, "confidence, %", "tick", anchor="middle")
    _element(svg, "path", "diagonal", d=_path([(x(0), y(0)), (x(100), y(100))]))
    for number, line in enumerate(lines.values()):
        total = sum(n for *_, n in line) or 1
        points = [(x(100 * c), y(100 * a)) for c, a, _ in line]
        _element(svg, "path", f"line c{number}", d=_path(points))
        for (at, height), (_, _, n) in zip(points, line, strict=True):
            _mark(svg, at, height, number, radius=2 + 6 * math.sqrt(n / total))
    return _text_of(svg)


def forest(rows: Sequence[tuple[str, Estimate]], *, title: str, last_apart: bool = True) -> str:
    """Return differences in points with their limits, one line each, around 0.

    Args:
        rows: (name, difference as a fraction of 1).
        title: for who cannot see it.
        last_apart: whether the last row is an end point, and not one of many.
    """
    names = [name for name, _ in rows]
    left = 16 + _BOLD * min(max(map(len, names)), _LABEL)
    width, height = left + 280, 34 + 20 * len(rows)
    words = "; ".join(
        f"{name}: {100 * e.value:+.1f} [{100 * e.low:+.1f}, {100 * e.high:+.1f}]"
        for name, e in rows
    )
    svg = _svg(width, height, title, words)
    reach = max(1.0, *(100 * max(abs(e.low), abs(e.high)) for _, e in rows))
    x = Scale(-reach, reach, left, width - 10)
    _element(svg, "path", "zero", d=_path([(x(0), 4), (x(0), height - 28)]))
    _ticks(svg, x, _round_steps(reach), at=height - 14, signed=True)
    for number, (name, e) in enumerate(rows):
        at = 14 + 20 * number
        end_point = last_apart and number == len(rows) - 1
        tone = "gain" if e.low > 0 else "loss" if e.high < 0 else "open"
        _text(svg, left - 8, at + 4, name, "name strong" if end_point else "name", anchor="end")
        ends = [(x(100 * e.low), at), (x(100 * e.high), at)]
        _element(svg, "path", f"limits {tone}", d=_path(ends))
        _mark(svg, x(100 * e.value), at, 1 if end_point else 0, radius=4, tone=tone)
    return _text_of(svg)


def heat_map(lines: Mapping[str, Line], *, x_label: str, title: str) -> str:
    """Return accuracy in percent over places (columns) and conditions (rows).

    Args:
        lines: by the name of the condition, all with the same places.
        x_label: stands below the columns.
        title: for who cannot see it.
    """
    places = [place for place, _ in next(iter(lines.values()))]
    left = 10 + _CHARACTER * min(max(map(len, lines)), _LABEL)
    width, height = left + 28 * len(places) + 4, 20 * len(lines) + 34
    svg = _svg(width, height, title, _in_words(lines, x_label))
    for row, (name, line) in enumerate(lines.items()):
        _text(svg, left - 6, 20 * row + 15, name, "name", anchor="end")
        for column, (_, e) in enumerate(line):
            at = left + 28 * column
            box = {"x": at, "y": 20 * row, "width": 27, "height": 19}
            shade = _element(svg, "rect", "shade", **box)
            shade.set("fill-opacity", f"{0.5 * e.value:.3f}")
            _text(svg, at + 14, 20 * row + 14, f"{100 * e.value:.0f}", "cell", anchor="middle")
    for column, place in enumerate(places):
        at = left + 28 * column + 14
        _text(svg, at, height - 20, f"{place:g}", "tick", anchor="middle")
    _text(svg, left + 14 * len(places), height - 4, x_label, "tick", anchor="middle")
    return _text_of(svg)


def _svg(width: float, height: float, title: str, description: str) -> ET.Element:
    """A drawing that reads as its title and description."""
    svg = ET.Element("svg", {"viewBox": f"0 0 {width:g} {height:g}", "role": "img"})
    svg.set("style", f"--width: {width:g}")
    svg.set("aria-label", plain(f"{title}. {description}"))
    ET.SubElement(svg, "title").text = plain(title)
    ET.SubElement(svg, "desc").text = plain(description)
    return svg


def _grid(svg: ET.Element, y: Scale) -> None:
    """Lines at round percentages."""
    steps = (s * 10**k for k in count() for s in (5, 10, 20, 25))
    step = next(s for s in steps if (y.high - y.low) / s <= 6)
    for value in range(math.ceil(y.low / step) * step, int(y.high) + 1, step):
        ends = [(_LEFT, y(value)), (_width(svg) - _RIGHT, y(value))]
        _element(svg, "path", "grid", d=_path(ends))
        _text(svg, _LEFT - 6, y(value) + 4, str(value), "tick", anchor="end")


def _width(svg: ET.Element) -> float:
    return float(svg.get("viewBox", "").split()[2])


def _ticks(
    svg: ET.Element,
    x: Scale,
    places: Sequence[float],
    *,
    at: float = _HEIGHT - _BOTTOM + 15,
    signed: bool = False,
) -> None:
    """Label places on the axis, as many as fit beside each other and into the drawing."""
    free = -math.inf
    for place in places:
        text = f"{place:+g}" if signed and place else f"{place:g}"
        half = _DIGIT * len(text) / 2
        middle, own = min(x(place), _width(svg) - half), max(_APART / 2, half + 2)
        if middle - own < free:
            continue
        _text(svg, middle, at, text, "tick", anchor="middle")
        free = middle + own


def _draw(svg: ET.Element, line: Line, x: Scale, y: Scale, number: int) -> None:
    upper = [(x(place), y(100 * e.high)) for place, e in line]
    lower = [(x(place), y(100 * e.low)) for place, e in reversed(line)]
    points = [(x(place), y(100 * e.value)) for place, e in line]
    _element(svg, "path", f"band c{number}", d=_path([*upper, *lower], closed=True))
    _element(svg, "path", f"line c{number}", d=_path(points))
    for at, height in points:
        _mark(svg, at, height, number)


def _mark(
    svg: ET.Element, x: float, y: float, number: int, *, radius: float = 3.2, tone: str = ""
) -> None:
    """A circle for the first side, a square for the second: not told apart by colour alone."""
    kind = f"dot {tone or f'c{number}'}"
    if number == 0:
        _element(svg, "circle", kind, cx=x, cy=y, r=radius)
    else:
        _element(
            svg, "rect", kind, x=x - radius, y=y - radius, width=2 * radius, height=2 * radius
        )


def _round_steps(reach: float) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten on both sides of 0."""
    power = 10 ** math.floor(math.log10(reach))
    step = next(s * power for s in (0.2, 0.5, 1, 2, 5) if reach / (s * power) < 4)
    count = int(reach / step)
    return [round(step * k, 10) for k in range(-count, count + 1)]


def _in_words(lines: Mapping[str, Line], x_label: str) -> str:
    return f"By {x_label}. " + "; ".join(
        f"{label}: " + ", ".join(f"{100 * e.value:.1f} % at {place:g}" for place, e in line)
        for label, line in lines.items()
    )


def _element(parent: ET.Element, tag: str, kind: str, **attributes: str | float) -> ET.Element:
    texts = {k: v if isinstance(v, str) else f"{v:.2f}" for k, v in attributes.items()}
    return ET.SubElement(parent, tag, {"class": kind, **texts})


def _text(parent: ET.Element, x: float, y: float, text: str, kind: str, *, anchor: str) -> None:
    element = _element(parent, "text", kind, x=x, y=y)
    element.set("text-anchor", anchor)
    element.text = plain(text, _LABEL)


def _path(points: Sequence[tuple[float, float]], *, closed: bool = False) -> str:
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points) + ("Z" if closed else "")


def _text_of(svg: ET.Element) -> str:
    return ET.tostring(svg, encoding="unicode")
