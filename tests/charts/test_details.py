"""Charts of a study stand by their axis: fractions of many kinds over axes of many kinds."""

import re
from dataclasses import replace

import numpy as np

from acn_eval.charts import detail_charts
from tests.charts.axes import drawn
from tests.fakes import deep_result, fake_result

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
