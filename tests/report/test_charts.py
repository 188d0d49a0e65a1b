"""Charts put every number where it belongs, and say it to who cannot see."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest
from PIL import ImageFont

from acn_eval.report.charts import Scale, forest, heat_map, line_chart, reliability
from acn_eval.statistics import Estimate

LINES = {
    "a": [(0.0, Estimate(0.9, 0.85, 0.95)), (0.1, Estimate(0.7, 0.6, 0.8))],
    "b": [(0.0, Estimate(0.95, 0.9, 0.98)), (0.1, Estimate(0.5, 0.4, 0.6))],
}


def points(path):
    return np.array([[float(x) for x in p.split()] for p in re.split("[MLZ]", path) if p.strip()])


def drawn(text, kind):
    return [e for e in ET.fromstring(text).iter() if e.get("class") == kind]


def curve(lines=LINES, **changes):
    options = {"x_label": "level", "title": "Accuracy", "floor": 0.4, **changes}
    return line_chart(lines, **options)


def heights(text):
    """From a place in the drawing back to percent, by the labels of the axis."""
    ticks = {
        float(e.text): float(e.get("y")) - 4
        for e in drawn(text, "tick")
        if e.get("text-anchor") == "end"
    }
    (low, y_low), (high, y_high) = min(ticks.items()), max(ticks.items())
    return lambda y: low + (y - y_low) * (high - low) / (y_high - y_low)


@pytest.mark.parametrize(("number", "label"), [(0, "a"), (1, "b")])
def test_lines_and_bands_are_the_estimates(number, label):
    text = curve()
    percent = heights(text)
    (line,), (band,) = drawn(text, f"line c{number}"), drawn(text, f"band c{number}")
    values = [100 * e.value for _, e in LINES[label]]
    np.testing.assert_allclose([percent(y) for _, y in points(line.get("d"))], values, atol=0.05)
    corners = [percent(y) for _, y in points(band.get("d"))]
    limits = [e.high for _, e in LINES[label]] + [e.low for _, e in reversed(LINES[label])]
    np.testing.assert_allclose(corners, 100 * np.array(limits), atol=0.05)


def test_a_logarithmic_axis_has_equal_ratios_at_equal_distances():
    line = {"a": [(k, Estimate(0.5, 0.4, 0.6)) for k in (5, 50, 500)]}
    text = line_chart(line, x_label="k", title="t", floor=0.0, logarithmic=True)
    x = points(drawn(text, "line c0")[0].get("d"))[:, 0]
    assert x[1] - x[0] == pytest.approx(x[2] - x[1], abs=0.02)


def test_labels_of_an_axis_do_not_touch():
    line = [(p, Estimate(0.5, 0.4, 0.6)) for p in (0, 0.01, 0.02, 0.05, 0.1)]
    text = curve(lines={"a": line})
    shown = [float(e.get("x")) for e in drawn(text, "tick") if e.get("y") == "199.00"]
    assert len(shown) >= 3
    assert min(np.diff(shown)) >= 26


@pytest.mark.parametrize("last", [270_026, 5_717_416], ids=str)
def test_labels_of_an_axis_are_whole(last):
    """In the size of the style sheet, measured in a wide face: none is cut off, none touch."""
    face = ImageFont.truetype(Path(mpl.get_data_path()) / "fonts/ttf/DejaVuSans.ttf", 105)
    line = [(round(k * last), Estimate(0.5, 0.4, 0.6)) for k in (0.1, 0.12, 0.55, 1)]
    drawing = curve(lines={"a": line})
    ticks = [e for e in drawn(drawing, "tick") if e.get("y") == "199.00"]
    assert len(ticks) >= 3
    assert ticks[-1].text == f"{last:g}"
    free = 0.0
    for e in ticks:
        middle, half = float(e.get("x")), face.getlength(e.text) / 20
        assert middle - half >= free
        free = middle + half
    assert free <= 320


def test_a_network_without_a_line_leaves_room():
    text = curve(lines={"c": [], "b": LINES["b"]})
    assert drawn(text, "line c0")[0].get("d") == "M"
    assert len(points(drawn(text, "line c1")[0].get("d"))) == 2
    assert drawn(curve(lines={"a": []}), "line c0") == []


def test_the_forest_is_symmetric_around_zero_and_tells_gain_from_loss():
    rows = [
        ("up", Estimate(0.05, 0.01, 0.09)),
        ("open", Estimate(0.01, -0.02, 0.04)),
        ("end", Estimate(-0.05, -0.1, -0.01)),
    ]
    text = forest(rows, title="t")
    zero = points(drawn(text, "zero")[0].get("d"))[0, 0]
    gain, loss = (points(drawn(text, f"limits {k}")[0].get("d"))[:, 0] for k in ("gain", "loss"))
    unit = (gain[1] - gain[0]) / 0.08
    np.testing.assert_allclose(gain, zero + unit * np.array([0.01, 0.09]), atol=0.02)
    np.testing.assert_allclose(loss, zero + unit * np.array([-0.1, -0.01]), atol=0.02)
    assert len(drawn(text, "limits open")) == 1
    marks = [e for e in ET.fromstring(text).iter() if (e.get("class") or "").startswith("dot")]
    assert [e.tag for e in marks] == ["circle", "circle", "rect"]


def test_the_map_shades_and_writes_every_accuracy():
    text = heat_map(LINES, x_label="blocks", title="t")
    assert [e.text for e in drawn(text, "cell")] == ["90", "70", "95", "50"]
    shades = [float(e.get("fill-opacity")) for e in drawn(text, "shade")]
    np.testing.assert_allclose(shades, [0.45, 0.35, 0.475, 0.25], atol=0.001)


def test_reliability_of_a_true_word_lies_on_the_diagonal():
    text = reliability({"a": [(0.2, 0.2, 50), (0.9, 0.9, 50)]}, title="t")
    start, end = points(drawn(text, "diagonal")[0].get("d"))
    for at in points(drawn(text, "line c0")[0].get("d")):
        assert np.cross(end - start, at - start) == pytest.approx(0, abs=3)


def test_who_cannot_see_reads_the_numbers():
    svg = ET.fromstring(curve())
    assert svg.get("role") == "img"
    said = svg.find("desc").text
    assert svg.get("aria-label") == f"Accuracy. {said}"
    assert "a: 90.0 % at 0, 70.0 % at 0.1; b: 95.0 % at 0" in said


def test_labels_are_text():
    text = line_chart({"<b>&": LINES["a"]}, x_label="<i>", title="<script>", floor=0)
    assert "<b>" not in text
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_a_scale_of_one_value_is_its_middle():
    assert Scale(3, 3, 0, 10)(3) == 5
