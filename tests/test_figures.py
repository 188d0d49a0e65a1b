"""What is drawn of results: the right numbers, in the folder where they lie."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from acn_eval.figures import NAME, draw_comparison, draw_missing, draw_result, drawings
from acn_eval.statistics.comparison import save_comparison
from acn_eval.studies.compare import compare
from tests.charts.axes import by_name, drawn
from tests.fakes import fake_result
from tests.tiny import compression_pair


@pytest.fixture(scope="module")
def comparison():
    return compare([fake_result("ac_vit")], [fake_result("res_vit")])


def panels_of(comparison, **sides):
    return {title: drawn(p) for title, p in by_name(drawings(sides, comparison))[NAME].items()}


def test_one_panel_per_corruption_with_both_networks_from_clean_on(comparison):
    panels = panels_of(comparison)
    assert list(panels) == ["gaussian", "salt and pepper"]
    candidate, baseline = panels["gaussian"].lines
    np.testing.assert_allclose(candidate.get_xdata(), [0, 0.1, 0.2, 0.4])
    rows = comparison.rows[:4]
    np.testing.assert_allclose(candidate.get_ydata(), [100 * r.candidate.value for r in rows])
    np.testing.assert_allclose(baseline.get_ydata(), [100 * r.baseline.value for r in rows])
    assert panels["gaussian"].get_xlabel() == "level"


def test_the_band_is_the_interval(comparison):
    corners = panels_of(comparison)["gaussian"].collections[0].get_paths()[0].vertices
    rows = comparison.rows[:4]
    assert corners[:, 1].min() == pytest.approx(100 * min(r.candidate.low for r in rows))
    assert corners[:, 1].max() == pytest.approx(100 * max(r.candidate.high for r in rows))


def test_two_sides_of_one_name_are_two_lines_with_two_labels():
    twin = replace(fake_result(), checkpoint=replace(fake_result().checkpoint, sha256="other"))
    (drawing,) = drawings({}, compare([fake_result()], [twin]))
    assert drawing.legend == ("ac_vit", "ac_vit (baseline)")
    assert len(drawn(drawing.panels[0]).lines) == 2


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
    results, comparison = depths
    panels = by_name(drawings({}, comparison))["depth_map"]
    assert list(panels) == ["tiny_ac", "tiny_res"]
    for panel, result in zip(panels.values(), results, strict=True):
        axes = drawn(panel)
        expected = np.reshape(
            [100 * c.values.mean() for c in result.cells if isinstance(c.condition["exit"], int)],
            (-1, 3),
        )
        np.testing.assert_allclose(axes.images[0].get_array(), expected, rtol=1e-6)
        assert [t.get_text() for t in axes.texts] == [f"{v:.0f}" for v in expected.flatten()]
        assert axes.get_xlabel() == "blocks executed"
        rows = [text.get_text() for text in axes.get_yticklabels()]
        assert rows == ["clean", "gaussian 0.1", "gaussian 0.3", "salt pepper 0.1"]


def test_curves_over_depth_are_one_panel_per_condition(depths):
    _, comparison = depths
    panels = panels_of(comparison)
    assert list(panels) == ["clean", "gaussian 0.1", "gaussian 0.3", "salt pepper 0.1"]
    for line in panels["clean"].lines:
        np.testing.assert_allclose(line.get_xdata(), [0, 1, 2])


def test_over_depth_there_are_four_figures_the_same_bytes_again(depths, tmp_path):
    results, comparison = depths
    found = []
    for name in ("one", "two"):
        folder = save_comparison(comparison, tmp_path / name)
        draw_comparison(comparison, folder, results)
        found.append({p.name: p.read_bytes() for p in folder.glob("*.*g")})
    stems = ("accuracy", "depth_map", "charts", "spread")
    assert set(found[0]) == {f"{stem}.{suffix}" for stem in stems for suffix in ("png", "svg")}
    assert found[0] == found[1]


def test_one_network_over_depth_has_them_too(depths, tmp_path):
    (result, _), _ = depths
    folder = result.save(tmp_path)
    draw_result(result, folder)
    stems = {p.stem for p in folder.glob("*.svg")}
    assert stems == {"accuracy", "depth_map", "charts", "spread"}
    assert result.checkpoint.name in (folder / "charts.svg").read_text()


def test_figures_that_are_there_need_no_matplotlib():
    code = "import sys\nimport acn_eval.figures\nprint('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
