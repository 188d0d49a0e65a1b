"""Charts of a suite stand under what they are: fractions of many kinds over axes of many kinds."""

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from acn_eval.report import Material, html, page_of
from acn_eval.report.figures import charts
from tests.fakes import deep_result, fake_result

CHARTS = [
    {"name": "exit 1", "x": "step", "points": [[0, 0.1], [200, 0.9]]},
    {"name": "direct share layer 1", "x": "step", "points": [[0, 3.14], [200, 0.4]]},
    {"name": "first task", "x": "tasks learned", "points": [[1, 0.99], [2, 0.5]]},
    {"name": "forgetting", "x": "exit", "points": [[0, -0.23], [1, 0.3]]},
    {"name": "average accuracy", "x": "exit", "points": [[0, 0.4], [1, 0.8]]},
]


def alone(result):
    return Material(None, (result,), ())


@pytest.fixture(scope="module")
def drawings():
    return list(charts(alone(replace(fake_result(), details={"charts": CHARTS}))))


def test_charts_stand_together_by_their_axis_and_are_not_called_accuracies_nor_cost(drawings):
    assert {d.caption: [name for name, _ in d.charts] for d in drawings} == {
        "In % over step, without bands": ["exit 1", "direct share layer 1"],
        "In % over tasks learned, without bands": ["first task"],
        "In % over exit, without bands": ["forgetting", "average accuracy"],
    }
    for drawing in drawings:
        axis = drawing.caption.removeprefix("In % over ").removesuffix(", without bands")
        for _, svg in drawing.charts:
            assert axis in [e.text for e in ET.fromstring(svg).iter() if e.get("class") == "tick"]


def test_shares_above_1_and_forgetting_below_0_are_inside_their_axis(drawings):
    for drawing in drawings:
        grids = set()
        for _, svg in drawing.charts:
            elements = list(ET.fromstring(svg).iter())
            line = next(e.get("d") for e in elements if e.get("class") == "line c0")
            heights = [float(y) for y in re.findall(r" ([-\d.]+)", line)]
            assert min(heights) >= 10
            assert max(heights) <= 184
            labels = [e for e in elements if e.get("text-anchor") == "end"]
            grids.add(tuple((e.text, e.get("y")) for e in labels))
        assert len(grids) == 1  # one axis for all that stand beside each other
        assert 3 <= len(grids.pop()) <= 7


def test_accuracy_against_cost_starts_where_the_lowest_does():
    (drawing,) = charts(alone(deep_result()))
    assert drawing.caption == "In % over thousand FLOPs per image, without bands"
    ((name, svg),) = drawing.charts
    assert name == "cut"
    said = ET.fromstring(svg).find("desc").text
    values = [float(v) for v in re.findall(r"([-\d.]+) %", said)]
    np.testing.assert_allclose(values, [100 * k / 16 for k in range(17)], atol=0.06)


def test_the_page_has_a_drawing_per_axis_and_none_without_charts():
    with_charts = html(page_of(alone(replace(fake_result(), details={"charts": CHARTS})), ()))
    assert with_charts.count("without bands") == 3
    assert "against cost" not in with_charts
    assert "without bands" not in html(page_of(alone(fake_result()), ()))


def test_charts_of_several_files_are_their_means_where_the_places_agree():
    def file(*charts):
        return replace(fake_result(), details={"charts": charts})

    def chart(name, *points):
        return {"name": name, "x": "exit", "points": [list(p) for p in points]}

    files = (
        file(chart("shared", (0, 0.2), (1, 0.4)), chart("own", (0, 0.1))),
        file(chart("shared", (0, 0.4), (1, 0.8)), chart("own", (3, 0.9))),
    )
    (drawing,) = charts(Material(None, files, ()))
    assert drawing.caption == (
        "In % over exit, without bands; means of the files of a side, "
        "or the first one where their x differ"
    )
    said = {name: ET.fromstring(svg).find("desc").text for name, svg in drawing.charts}
    assert re.findall(r"([-\d.]+) %", said["shared"]) == ["30.0", "60.0"]
    assert re.findall(r"([-\d.]+) %", said["own"]) == ["10.0"]
