"""Charts put every number where it belongs, and say it to who cannot see."""

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from acn_eval.charts.canvas import STYLES
from acn_eval.charts.kinds import color_map, curves, detail_charts, forest, heat_map, reliability
from acn_eval.statistics import Estimate
from tests.charts.axes import drawn
from tests.fakes import deep_result, fake_result

LINES = {
    "a": [(0.0, Estimate(0.9, 0.85, 0.95)), (0.1, Estimate(0.7, 0.6, 0.8))],
    "b": [(0.0, Estimate(0.95, 0.9, 0.98)), (0.1, Estimate(0.5, 0.4, 0.6))],
}


def flat(places, value=0.5):
    return [(place, Estimate(value, value - 0.1, value + 0.1)) for place in places]


def curve(lines=LINES, **options):
    (panel,) = curves({"Accuracy": lines}, x_label="level", **options)
    return panel


def ticks(axes):
    """Labels of the x axis that are seen, with their boxes in pixels."""
    low, high = axes.get_xlim()
    found = zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)
    return [(t.get_text(), t.get_window_extent()) for x, t in found if low <= x <= high]


@pytest.mark.parametrize(("number", "label"), [(0, "a"), (1, "b")])
def test_lines_and_bands_are_the_estimates(number, label):
    axes = drawn(curve())
    line, band = axes.lines[number], axes.collections[number]
    np.testing.assert_allclose(line.get_xdata(), [place for place, _ in LINES[label]])
    np.testing.assert_allclose(line.get_ydata(), [100 * e.value for _, e in LINES[label]])
    corners = {tuple(np.round(point, 9)) for point in band.get_paths()[0].vertices}
    limits = {(p, round(100 * y, 9)) for p, e in LINES[label] for y in (e.low, e.high)}
    assert corners == limits


def test_lines_differ_in_more_than_color():
    axes = drawn(curve())
    assert [line.get_color() for line in axes.lines] == [s["color"] for s in STYLES[:2]]
    assert [line.get_marker() for line in axes.lines] == ["o", "s"]
    assert len({s["color"] for s in STYLES}) == len(STYLES) == 7


def test_panels_beside_each_other_have_one_height_that_holds_all():
    panels = curves(
        {
            "share": {"a": [(0, Estimate(3.14, 3.14, 3.14))]},
            "forgetting": {"a": [(0, Estimate(-0.23, -0.23, -0.23))]},
        },
        x_label="step",
    )
    limits = {drawn(panel).get_ylim() for panel in panels}
    ((low, high),) = limits
    assert low <= -23
    assert high >= 314
    labels = [t.get_text() for t in drawn(panels[0]).get_yticklabels()]
    assert 3 <= len(labels) <= 10


def test_one_seed_has_no_limits_and_one_level_shows_its_own():
    nan = float("nan")
    one_seed = drawn(curve({"a": [(0, Estimate(0.5, nan, nan)), (1, Estimate(0.6, nan, nan))]}))
    assert list(one_seed.lines[0].get_ydata()) == [50, 60]
    (limits,) = drawn(curve({"a": flat([0])})).collections
    np.testing.assert_allclose(limits.get_segments()[0], [[0, 40], [0, 60]])


def test_a_logarithmic_axis_has_equal_ratios_at_equal_distances_and_names_its_places():
    axes = drawn(curve({"a": flat([5, 50, 500])}, logarithmic=True))
    x = axes.transData.transform([(k, 50) for k in (5, 50, 500)])[:, 0]
    assert x[1] - x[0] == pytest.approx(x[2] - x[1])
    assert [text for text, _ in ticks(axes)] == ["5", "50", "500"]


@pytest.mark.parametrize(
    ("places", "logarithmic"),
    [
        ([0, 0.01, 0.02, 0.05, 0.1], False),
        ([27_003, 32_403, 148_514, 270_026], False),
        ([571_742, 686_090, 3_144_579, 5_717_416], False),
        ([1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000], True),
    ],
    ids=str,
)
def test_labels_of_an_axis_are_whole_and_do_not_touch(places, logarithmic):
    axes = drawn(curve({"a": flat(places)}, logarithmic=logarithmic))
    boxes = [box for _, box in ticks(axes)]
    assert len(boxes) >= 3
    assert boxes[0].x0 >= 0
    assert boxes[-1].x1 <= axes.figure.bbox.x1
    for left, right in pairwise(boxes):
        assert left.x1 < right.x0


def test_steps_are_whole_numbers():
    assert [text for text, _ in ticks(drawn(curve({"a": flat([0, 1, 2])})))] == ["0", "1", "2"]


def test_a_network_without_a_line_keeps_its_color_for_the_other():
    axes = drawn(curve({"c": [], "b": LINES["b"]}))
    assert len(axes.lines[0].get_xdata()) == 0
    assert axes.lines[1].get_color() == STYLES[1]["color"]
    assert len(drawn(curve({"a": []})).lines) == 1


def test_the_forest_is_symmetric_around_zero_and_tells_gain_from_loss():
    rows = [
        ("up", Estimate(0.05, 0.01, 0.09)),
        ("open", Estimate(0.01, -0.02, 0.04)),
        ("end", Estimate(-0.05, -0.1, -0.01)),
    ]
    axes = drawn(forest(rows))
    low, high = axes.get_xlim()
    assert -low == high >= 10
    limits, marks = axes.lines[1::2], axes.lines[2::2]
    for line, mark, (_, e) in zip(limits, marks, rows, strict=True):
        np.testing.assert_allclose(line.get_xdata(), [100 * e.low, 100 * e.high])
        np.testing.assert_allclose(mark.get_xdata(), [100 * e.value])
        assert line.get_color() == mark.get_color()
    assert len({line.get_color() for line in limits}) == 3
    assert [mark.get_marker() for mark in marks] == ["o", "o", "s"]
    heights = [t.get_window_extent().y0 for t in axes.get_yticklabels()]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["up", "open", "end"]
    assert heights == sorted(heights, reverse=True)
    assert "up: +5.0 [+1.0, +9.0]" in forest(rows).words


def test_the_map_shades_and_writes_every_accuracy():
    axes = drawn(heat_map("net", LINES, x_label="blocks"))
    np.testing.assert_allclose(axes.images[0].get_array(), [[90, 70], [95, 50]])
    assert axes.images[0].get_clim() == (0, 100)
    assert [t.get_text() for t in axes.texts] == ["90", "70", "95", "50"]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["a", "b"]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["0", "0.1"]


def test_numbers_of_a_map_can_be_read_on_their_color():
    axes = Figure().subplots()
    color_map(axes, np.linspace(0, 100, 20)[None], highest=100)
    for text, value in zip(axes.texts, np.linspace(0, 100, 20), strict=True):
        behind = luminance(axes.images[0].to_rgba(value)[:3])
        front = luminance([int(to_hex(text.get_color())[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        assert (max(front, behind) + 0.05) / (min(front, behind) + 0.05) >= 4.5


def luminance(color):
    """Relative luminance of sRGB (WCAG 2.2)."""
    c = np.asarray(color)
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_what_is_not_known_stays_blank_in_a_map():
    axes = Figure().subplots()
    color_map(axes, [[10, np.nan], [30, 40]], highest=100)
    assert [t.get_text() for t in axes.texts] == ["10", "30", "40"]
    assert np.ma.getmaskarray(axes.images[0].get_array()).tolist() == [[False, True], [False] * 2]


def test_reliability_of_a_true_word_lies_on_the_diagonal():
    lines = {"a": [(0.2, 0.2, 50), (0.9, 0.9, 450)], "none": []}
    diagonal, line, _ = drawn(reliability("clean", lines)).lines
    np.testing.assert_allclose(diagonal.get_xdata(), diagonal.get_ydata())
    np.testing.assert_allclose(line.get_xdata(), [20, 90])
    np.testing.assert_allclose(line.get_ydata(), [20, 90])
    few, many = drawn(reliability("clean", lines)).collections[0].get_sizes()
    assert few < many
    assert "90 % sure, 90 % right" in reliability("clean", lines).words


def test_who_cannot_see_reads_the_numbers():
    assert "a: 90.0 % at 0, 70.0 % at 0.1; b: 95.0 % at 0" in curve().words


CHARTS = [
    {"name": "exit 1", "x": "step", "points": [[0, 0.1], [200, 0.9]]},
    {"name": "first task", "x": "tasks learned", "points": [[1, 0.99], [2, 0.5]]},
    {"name": "direct share layer 1", "x": "step", "points": [[0, 3.14], [200, 0.4]]},
    {"name": "forgetting", "x": "exit", "points": [[0, -0.23], [1, 0.3]]},
    {"name": "average accuracy", "x": "exit", "points": [[0, 0.4], [1, 0.8]]},
]


def file(*charts):
    return replace(fake_result(), details={"charts": charts})


def chart(name, *points):
    return {"name": name, "x": "exit", "points": [list(p) for p in points]}


def test_charts_stand_together_by_their_axis_with_one_height_and_are_not_called_accuracies():
    (drawing,) = detail_charts({"net": [file(*CHARTS)]})
    assert drawing.name == "charts"
    assert drawing.caption == "In % over step and tasks learned and exit, without bands"
    assert drawing.legend == ("net",)
    found = [(panel.title, drawn(panel)) for panel in drawing.panels]
    assert [(title, axes.get_xlabel()) for title, axes in found] == [
        ("exit 1", "step"),
        ("direct share layer 1", "step"),
        ("first task", "tasks learned"),
        ("forgetting", "exit"),
        ("average accuracy", "exit"),
    ]
    heights = {axes.get_xlabel(): set() for _, axes in found}
    for _, axes in found:
        heights[axes.get_xlabel()].add(axes.get_ylim())
    assert {len(own) for own in heights.values()} == {1}
    assert len(set.union(*heights.values())) == 3


def test_points_are_those_of_the_details_in_percent():
    (drawing,) = detail_charts({"ac_vit": [deep_result()]})
    (panel,) = drawing.panels
    (line,) = drawn(panel).lines
    np.testing.assert_allclose(line.get_xdata(), [100 * k for k in range(17)])
    np.testing.assert_allclose(line.get_ydata(), [100 * k / 16 for k in range(17)])
    assert drawn(panel).get_xlabel() == "thousand FLOPs per image"


def test_there_is_no_drawing_without_charts():
    assert list(detail_charts({"net": [fake_result()]})) == []


def test_a_network_without_charts_leaves_its_panels_to_the_other():
    (drawing,) = detail_charts({"ours": [file(*CHARTS)], "foreign": [fake_result()]})
    ours, foreign = drawn(drawing.panels[0]).lines
    assert len(ours.get_xdata()) == 2
    assert len(foreign.get_xdata()) == 0


def test_charts_of_several_files_are_their_means_where_the_places_agree():
    files = (
        file(chart("shared", (0, 0.2), (1, 0.4)), chart("own", (0, 0.1))),
        file(chart("shared", (0, 0.4), (1, 0.8)), chart("own", (3, 0.9))),
    )
    (drawing,) = detail_charts({"net": files})
    assert drawing.caption == (
        "In % over exit, without bands; means of the files of a side, "
        "or the first one where their x differ"
    )
    said = {panel.title: panel.words for panel in drawing.panels}
    assert re.findall(r"([-\d.]+) %", said["shared"]) == ["30.0", "60.0"]
    assert re.findall(r"([-\d.]+) %", said["own"]) == ["10.0"]
