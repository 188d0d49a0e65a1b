"""Curves that are drawn: the right numbers, told apart, the same bytes again."""

import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest

from acn_eval.figures import (
    COLOURS,
    NAME,
    accuracy_curves,
    comparison_curves,
    draw_missing,
    save_figure,
)
from acn_eval.statistics import Accuracy, Estimate, compare, summarise
from tests.fakes import fake_result


@pytest.fixture(scope="module")
def comparison():
    return compare([fake_result("ac_vit")], [fake_result("res_vit")])


def visible(figure):
    return [axes for axes in figure.axes if axes.get_visible()]


def test_one_panel_per_corruption_with_both_networks_from_clean_on(comparison):
    panels = visible(comparison_curves(comparison))
    assert [axes.get_title(loc="left") for axes in panels] == ["gaussian", "salt and pepper"]
    candidate, baseline = panels[0].lines
    np.testing.assert_allclose(candidate.get_xdata(), [0, 0.1, 0.2, 0.4])
    rows = comparison.rows[:4]
    np.testing.assert_allclose(candidate.get_ydata(), [100 * r.candidate.value for r in rows])
    np.testing.assert_allclose(baseline.get_ydata(), [100 * r.baseline.value for r in rows])


def test_the_band_is_the_interval(comparison):
    axes = visible(comparison_curves(comparison))[0]
    corners = axes.collections[0].get_paths()[0].vertices
    rows = comparison.rows[:4]
    assert corners[:, 1].min() == pytest.approx(100 * min(r.candidate.low for r in rows))
    assert corners[:, 1].max() == pytest.approx(100 * max(r.candidate.high for r in rows))


def test_each_line_carries_its_label_in_its_colour(comparison):
    axes = visible(comparison_curves(comparison))[0]
    labels = {text.get_text(): text.get_color() for text in axes.texts}
    assert labels == {"ac_vit": COLOURS[0], "res_vit": COLOURS[1]}
    assert [line.get_color() for line in axes.lines] == list(COLOURS[:2])


def test_labels_of_lines_that_end_together_do_not_cover_each_other():
    same = summarise([fake_result()])
    axes = visible(accuracy_curves({name: same for name in "abcd"}))[0]
    heights = sorted(text.xy[1] for text in axes.texts)
    assert all(high > low for low, high in pairwise(heights))


def test_lines_differ_in_more_than_colour(comparison):
    axes = visible(comparison_curves(comparison))[0]
    assert len({line.get_marker() for line in axes.lines}) == 2
    assert len(set(COLOURS)) == len(COLOURS) == 7


def test_a_network_that_lacks_a_corruption_keeps_its_colour():
    whole = summarise([fake_result("ac_vit")])
    part = [a for a in summarise([fake_result("res_vit")]) if "salt" not in a.name]
    panels = visible(accuracy_curves({"part": part, "whole": whole}))
    labels = {text.get_text(): text.get_color() for text in panels[1].texts}
    assert labels == {"whole": COLOURS[1]}


def test_only_clean_is_a_point_and_many_corruptions_are_rows_of_panels():
    clean = summarise([fake_result()])[:1]
    assert len(visible(accuracy_curves({"a": clean}))) == 1
    one = Estimate(0.5, 0.4, 0.6)
    names = [f"kind{number}" for number in range(7)]
    many = [Accuracy(n, {"corruption": n, "level": 1}, 9, one) for n in names]
    assert len(visible(accuracy_curves({"a": many}))) == 7


def test_two_sides_of_one_name_are_two_lines():
    twin = replace(fake_result(), checkpoint=replace(fake_result().checkpoint, sha256="other"))
    comparison = compare([fake_result()], [twin])
    axes = visible(comparison_curves(comparison))[0]
    assert len(axes.lines) == 2
    assert {text.get_text() for text in axes.texts} == {"ac_vit", "ac_vit (baseline)"}


def test_the_same_figure_is_the_same_bytes_and_no_setting_is_left_behind(comparison, tmp_path):
    settings = dict(mpl.rcParams)
    first = [p.read_bytes() for p in save_figure(comparison_curves(comparison), tmp_path, "a")]
    again = [p.read_bytes() for p in save_figure(comparison_curves(comparison), tmp_path, "b")]
    assert first == again
    assert first[0].startswith(b"\x89PNG")
    assert b"<svg" in first[1]
    assert b"res_vit" in first[1]
    assert dict(mpl.rcParams) == settings


def test_drawing_does_not_import_pyplot():
    code = "import sys, acn_eval.figures; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_figure_older_than_its_result_is_drawn_again(tmp_path):
    result = fake_result()
    folder = result.save(tmp_path)
    draw_missing([result], [], {result.key: folder})
    svg = folder / f"{NAME}.svg"
    first = svg.read_bytes()
    svg.write_bytes(b"old")
    draw_missing([result], [], {result.key: folder})
    assert svg.read_bytes() == b"old"
    os.utime(svg, (0, 0))
    draw_missing([result], [], {result.key: folder})
    assert svg.read_bytes() == first
