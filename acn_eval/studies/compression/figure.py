"""Draws what early exit saves, and from which block on outputs tell nothing apart."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import cycle
from typing import Any

from matplotlib.axes import Axes

from acn_eval.charts.canvas import STYLES, TONES, Drawing, Panel
from acn_eval.charts.kinds import Sides, detail_charts
from acn_eval.statistics.spread_words import AXES, CONSTANT, Axis, over
from acn_eval.studies.compression.collapse import spread_of

__all__ = ["drawings"]

_LEAST = 1e-6  # share of variance; what is less is drawn there
_LINES = {"trained": "-", "initial": "--"}
_Spreads = Mapping[str, Sequence[Mapping[str, Any]]]


def drawings(sides: Sides) -> Iterator[Drawing]:
    """Yield the charts of the details, and shares of variance over depth, a line per file."""
    yield from detail_charts(sides)
    found = {
        label: [spread for result in results if (spread := spread_of(result))]
        for label, results in sides.items()
    }
    example = next((r.checkpoint.example for results in sides.values() for r in results), "image")
    panels = tuple(
        Panel(f"Share of variance {over(axis, example)}", partial(_draw, found, axis), words)
        for axis in AXES
        if (words := _in_words(found, axis))
    )
    if panels:
        below = f"constant below {CONSTANT:g} (gray line); smaller ones end at {_LEAST:g}"
        caption = f"As trained (solid) and at initialization (dashed), a line per file; {below}"
        yield Drawing("spread", caption, panels, tuple(sides))


def _draw(found: _Spreads, axis: Axis, axes: Axes) -> None:
    axes.axhline(CONSTANT, color=TONES["open"], linewidth=1)
    for style, spreads in zip(cycle(STYLES), found.values(), strict=False):
        for spread in spreads:
            for when, dashes in _LINES.items():
                if shares := [max(y, _LEAST) for y in _shares(spread, when, axis)]:
                    axes.plot(range(len(shares)), shares, linestyle=dashes, **style)
    axes.set(yscale="log", ylim=(_LEAST / 2, 1.5), xlabel="blocks executed")
    axes.locator_params(axis="x", integer=True)


def _shares(spread: Mapping[str, Any], when: str, axis: Axis) -> list[float]:
    return [row[axis] for row in spread[when] or () if row[axis] is not None]


def _in_words(found: _Spreads, axis: Axis) -> str:
    """The numbers; "" where they are known of no network."""
    names = {"trained": "", "initial": " at initialization"}
    return "; ".join(
        f"{label}{name}: " + ", ".join(f"{y:.2g} at {k}" for k, y in enumerate(shares))
        for label, spreads in found.items()
        for spread in spreads
        for when, name in names.items()
        if (shares := _shares(spread, when, axis))
    )
