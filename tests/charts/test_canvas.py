"""Figures on disk and inside a page: the same bytes again, safe, and in the colors of the page."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from xml.etree import ElementTree as ET

import matplotlib as mpl
import pytest

from acn_eval.charts.canvas import Drawing, Panel, inline, save
from acn_eval.charts.kinds import color_map, curves
from acn_eval.statistics import Estimate

LINE = [(0.0, Estimate(0.9, 0.85, 0.95)), (0.1, Estimate(0.7, 0.6, 0.8))]
EVIL = "</text><script>alert(1)</script><b>&$x^2$"


def drawing(panels=2, label="net"):
    titles = [f"chart {number}" for number in range(panels)]
    charts = curves({title: {label: LINE, "other": LINE} for title in titles}, x_label="level")
    return Drawing("accuracy", "Accuracy in %", charts, (label, "other"))


def texts(svg):
    return [e.text for e in ET.fromstring(svg).iter() if e.tag.endswith("text")]


def test_the_same_drawing_is_the_same_bytes_and_no_setting_is_left_behind(tmp_path):
    settings = dict(mpl.rcParams)
    found = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        save(drawing(), folder, "a verdict")
        found.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert found[0] == found[1]
    assert found[0]["accuracy.png"].startswith(b"\x89PNG")
    said = texts(found[0]["accuracy.svg"])
    assert {"a verdict", "Accuracy in %", "chart 0", "chart 1", "net", "other"} <= set(said)
    assert dict(mpl.rcParams) == settings


def test_threads_draw_alike_and_leave_no_setting_behind():
    settings, (panel, *_) = dict(mpl.rcParams), drawing().panels
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: inline(panel, "a"), range(8)))
    assert len(found) == 1
    assert dict(mpl.rcParams) == settings


def test_many_panels_are_rows(tmp_path):
    save(drawing(7), tmp_path)
    width, height = mpl.image.imread(tmp_path / "accuracy.png").shape[1::-1]
    assert width < 2000
    assert height > 1000


def test_a_long_caption_is_broken_between_words(tmp_path):
    few = drawing(2)
    save(replace(few, caption="three four " * 30), tmp_path)
    shown = texts((tmp_path / "accuracy.svg").read_text())
    lines = [line for line in shown if (line or "").startswith(("three", "four"))]
    assert len(lines) > 1
    assert " ".join(lines) == ("three four " * 30).strip()


def test_pyplot_is_not_imported():
    code = "import sys, acn_eval.figures; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_panel_in_a_page_takes_its_colors_and_has_no_title_of_its_own():
    svg = inline(drawing().panels[0], "a")
    assert "var(--first)" in svg
    assert "var(--second)" in svg
    assert "#" not in svg.replace('href="#', "")
    assert "chart 0" not in texts(svg)
    assert "fill: #ffffff" not in svg


def test_letters_on_a_light_color_do_not_turn_light_with_the_page():
    panel = Panel("map", lambda axes: color_map(axes, [[10, 90]], highest=100), "")
    styles = {e.text: e.get("style", "") for e in ET.fromstring(inline(panel, "a")).iter("text")}
    assert "fill: #ffffff" in styles["10"]
    assert "fill: #0d0d0d" in styles["90"]


def test_ids_of_two_panels_never_meet_and_point_at_what_is_there():
    first, second = (ET.fromstring(inline(drawing().panels[0], salt)) for salt in "ab")
    ids = [{e.get("id") for e in svg.iter() if e.get("id")} for svg in (first, second)]
    assert ids[0]
    assert not ids[0] & ids[1]
    for svg, own in zip((first, second), ids, strict=True):
        assert {e.get("href")[1:] for e in svg.iter() if e.get("href")} == own


def test_a_panel_asks_for_nothing_and_styles_nothing_but_itself():
    svg = inline(drawing().panels[0], "a")
    tags = {e.tag for e in ET.fromstring(svg).iter()}
    assert tags <= {"svg", "title", "desc", "g", "path", "text", "use", "defs"}
    assert "url(" not in svg
    assert "http" not in svg


def test_who_cannot_see_hears_the_numbers():
    (panel, *_) = drawing().panels
    svg = ET.fromstring(inline(panel, "a"))
    assert svg.get("role") == "img"
    assert svg.get("aria-label") == f"chart 0. {panel.words}"
    assert svg.find("title").text == "chart 0"
    assert svg.find("desc").text == panel.words


def test_names_are_text(tmp_path):
    charts = curves({EVIL: {EVIL: LINE}}, x_label=EVIL)
    svg = inline(charts[0], EVIL)
    assert "<script" not in svg
    assert "&lt;script&gt;" in svg
    assert EVIL in texts(svg)  # a formula is shown as it is written
    save(Drawing("accuracy", EVIL, charts, (EVIL,)), tmp_path, EVIL)
    assert "<script" not in (tmp_path / "accuracy.svg").read_text()


@pytest.mark.parametrize("label", ["\x1b[31m", "\u202eabc"])
def test_what_cannot_be_seen_is_written_as_its_escape(label):
    svg = inline(curves({label: {label: LINE}}, x_label=label)[0], "a")
    assert label not in svg
    assert label[0].encode("unicode_escape").decode() in svg
