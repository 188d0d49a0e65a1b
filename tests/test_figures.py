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
    chart_curves,
    comparison_curves,
    draw_comparison,
    draw_missing,
    draw_result,
    heat_map,
    save_figure,
)
from acn_eval.statistics import Accuracy, Estimate
from acn_eval.statistics.comparison_io import save_comparison
from acn_eval.studies.compare import compare, summarize
from acn_eval.studies.table import analysis_of
from tests.fakes import fake_result
from tests.tiny import compression_pair

ROBUSTNESS = analysis_of({})


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
    same = summarize([fake_result()])
    axes = visible(accuracy_curves({name: same for name in "abcd"}, ROBUSTNESS))[0]
    heights = sorted(text.xy[1] for text in axes.texts)
    assert all(high > low for low, high in pairwise(heights))


def test_lines_differ_in_more_than_colour(comparison):
    axes = visible(comparison_curves(comparison))[0]
    assert len({line.get_marker() for line in axes.lines}) == 2
    assert len(set(COLOURS)) == len(COLOURS) == 7


def test_a_network_that_lacks_a_corruption_keeps_its_colour():
    whole = summarize([fake_result("ac_vit")])
    part = [a for a in summarize([fake_result("res_vit")]) if "salt" not in a.name]
    panels = visible(accuracy_curves({"part": part, "whole": whole}, ROBUSTNESS))
    labels = {text.get_text(): text.get_color() for text in panels[1].texts}
    assert labels == {"whole": COLOURS[1]}


def test_only_clean_is_a_point_and_many_corruptions_are_rows_of_panels():
    clean = summarize([fake_result()])[:1]
    assert len(visible(accuracy_curves({"a": clean}, ROBUSTNESS))) == 1
    one = Estimate(0.5, 0.4, 0.6)
    names = [f"kind{number}" for number in range(7)]
    many = [Accuracy(n, {"corruption": n, "level": 1}, 9, one) for n in names]
    assert len(visible(accuracy_curves({"a": many}, ROBUSTNESS))) == 7


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


# Depth ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def depths(tiny):
    """What compression measures of the tiny pair: results, and their comparison."""
    results = compression_pair(tiny)
    return results, compare(results[:1], results[1:])


def test_the_map_shows_every_exit_under_every_condition(depths):
    results, _ = depths
    networks = {r.checkpoint.name: summarize([r]) for r in results}
    panels = visible(heat_map(networks, analysis_of({"kind": "compression"}), title="tiny"))
    assert [axes.get_title(loc="left") for axes in panels] == ["tiny_ac", "tiny_res"]
    for axes, result in zip(panels, results, strict=True):
        (image,) = axes.images
        shown = np.asarray(image.get_array())
        expected = np.reshape(
            [100 * c.values.mean() for c in result.cells if isinstance(c.condition["exit"], int)],
            (-1, 3),
        )
        np.testing.assert_allclose(shown, expected, rtol=1e-6)
        assert [t.get_text() for t in axes.texts] == [f"{v:.0f}" for v in expected.flatten()]
        assert axes.get_xlabel() == "blocks executed"
    rows = [text.get_text() for text in panels[0].get_yticklabels()]  # shared by all panels
    assert rows == ["clean", "gaussian 0.1", "gaussian 0.3", "salt pepper 0.1"]


def test_charts_are_the_points_of_the_details(depths):
    results, _ = depths
    charts = {r.checkpoint.name: r.details["charts"] for r in results}
    panels = visible(chart_curves(charts, title="tiny"))
    names = [chart["name"] for chart in results[0].details["charts"]]
    assert panels[0].get_ylabel() == "in %"  # of whatever a suite draws: shares, forgetting
    assert [axes.get_title(loc="left") for axes in panels] == names
    for axes, name in zip(panels, names, strict=True):
        for line, own in zip(axes.lines, charts.values(), strict=True):
            points = next(chart["points"] for chart in own if chart["name"] == name)
            np.testing.assert_allclose(line.get_xdata(), [x for x, _ in points])
            np.testing.assert_allclose(line.get_ydata(), [100 * y for _, y in points])
        assert axes.get_xlabel() == "thousand FLOPs per image"


def test_a_network_without_charts_leaves_its_panels_to_the_other(depths):
    (result, _), _ = depths
    panels = visible(chart_curves({"ours": result.details["charts"], "foreign": []}))
    for axes in panels:
        assert [text.get_text() for text in axes.texts] == ["ours"]
        assert axes.get_xlabel() == "thousand FLOPs per image"


def test_curves_over_depth_are_one_panel_per_condition(depths):
    _, comparison = depths
    panels = visible(comparison_curves(comparison))
    assert len(panels) == 4
    assert panels[0].get_title(loc="left") == "clean"
    for line in panels[0].lines:
        np.testing.assert_allclose(line.get_xdata(), [0, 1, 2])


def test_over_depth_there_are_three_figures_the_same_bytes_again(depths, tmp_path):
    results, comparison = depths
    found = []
    for name in ("one", "two"):
        folder = save_comparison(comparison, tmp_path / name)
        draw_comparison(comparison, folder, results)
        found.append({p.name: p.read_bytes() for p in folder.glob("*.*g")})
    stems = ("accuracy", "depth_map", "charts")
    assert set(found[0]) == {f"{stem}.{suffix}" for stem in stems for suffix in ("png", "svg")}
    assert found[0] == found[1]


def test_one_network_over_depth_has_them_too(depths, tmp_path):
    (result, _), _ = depths
    folder = result.save(tmp_path)
    draw_result(result, folder)
    assert {p.stem for p in folder.glob("*.svg")} == {"accuracy", "depth_map", "charts"}
