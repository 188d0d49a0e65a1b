"""Charts: the same panels for the figures beside a result and for the page of a report."""

from acn_eval.charts.canvas import STYLES, Drawing, Panel, inline, save
from acn_eval.charts.details import detail_charts
from acn_eval.charts.kinds import Line, color_map, curves, forest, heat_map, reliability

__all__ = [
    "STYLES",
    "Drawing",
    "Line",
    "Panel",
    "color_map",
    "curves",
    "detail_charts",
    "forest",
    "heat_map",
    "inline",
    "reliability",
    "save",
]
