"""The figures of a training: the numbers of its details, also where there are none."""

from dataclasses import replace

import numpy as np
import pytest

from acn_eval.cache import OutcomeCache
from acn_eval.figures import draw_result
from acn_eval.inference import Runtime
from acn_eval.studies.dynamics.figure import drawings
from tests.charts.axes import by_name, drawn
from tests.studies.dynamics.plans import asked, finished, suite, trainings
from tests.tiny import CPU, checkpoint


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    store = OutcomeCache(tmp_path_factory.mktemp("figures"))
    return asked(suite(connectivities=("acn", "ffn")), Runtime(CPU, 64, "fp32", store))


@pytest.fixture(scope="module")
def results(study):
    return trainings(study)


def shown(result, name):
    """Axes of every panel of one figure, by its title."""
    own = by_name(drawings({result.checkpoint.name: [result]}))[name]
    return {title: drawn(panel) for title, panel in own.items()}


def test_exits_are_lines_over_steps(results):
    details = results[0].details
    axes = shown(results[0], "training")["Exits"]
    assert len(axes.lines) == 3
    for k, line in enumerate(axes.lines):
        assert list(line.get_xdata()) == details["steps"]
        wanted = [100 * row[k] for row in details["validation"]["accuracy"]]
        assert list(line.get_ydata()) == pytest.approx(wanted)
    assert axes.get_ylabel().endswith("n = 351)")


def test_the_spread_of_every_exit_is_a_line_over_steps(results):
    details = results[1].details
    panels = shown(results[1], "spread")
    for axes, name in zip(panels.values(), ("tokens", "images"), strict=True):
        assert len(axes.lines) == 3
        for k, line in enumerate(axes.lines):
            assert list(line.get_xdata()) == details["steps"]
            wanted = [100 * look[k][name] for look in details["spread"]["looks"]]
            assert list(line.get_ydata()) == pytest.approx(wanted)


def test_a_number_that_is_not_known_is_left_blank(results):
    details = results[0].details
    looks = [[{**row, "tokens": None} for row in look] for look in details["spread"]["looks"]]
    blank = replace(
        results[0], details={**details, "spread": {**details["spread"], "looks": looks}}
    )
    (line, *_) = shown(blank, "spread")["What varies over tokens"].lines
    assert np.isnan(line.get_ydata()).all()


def test_the_heat_map_is_the_share_of_the_direct_gradient(results):
    for result in results:
        gradients = result.details["gradients"]
        norms, shares = shown(result, "gradients").values()
        (image,) = shares.get_images()
        found = np.ma.masked_invalid(image.get_array())
        full, own = np.array(gradients["full"]), np.array(gradients["direct"])
        assert found.shape == (3, 4)
        assert np.ma.allclose(found, np.ma.masked_invalid(own / full).T)
        assert list(norms.lines[2].get_ydata()) == pytest.approx(full[:, 2].tolist())
    assert found[1].tolist() == [0, 0, 0, 0]  # ffn: no direct path but the last block's
    assert found[2].tolist() == pytest.approx([1, 1, 1, 1])


def test_an_exit_that_is_the_same_for_all_images_is_left_blank(results):
    (image,) = shown(results[0], "similarity")["Linear CKA"].get_images()
    found = np.ma.masked_invalid(image.get_array())
    assert found.mask[0].all()
    assert not found.mask[1:, 1:].any()


def test_a_finished_checkpoint_is_drawn_over_its_depth(tiny, study):
    result = finished(checkpoint(tiny), study.request.runtime)
    assert list(shown(result, "training")["Exits"].lines[0].get_xdata()) == [0, 1, 2]
    lines = shown(result, "gradients")["Gradients"].lines
    parts = {line.get_label(): line.get_ydata() for line in lines}
    for part, values in parts.items():
        (row,) = result.details["gradients"][part]
        expected = np.where(np.array(row) == 0, np.nan, row)
        np.testing.assert_allclose(values, expected)
    assert parts.keys() == {"full", "direct", "mediated"}
    spread = result.details["spread"]
    trained, initial = shown(result, "spread")["What varies over images"].lines
    assert initial.get_linestyle() == "--"
    assert list(initial.get_ydata()) == [100 * row["images"] for row in spread["initial"]]
    assert list(trained.get_ydata()) == [100 * row["images"] for row in spread["looks"][0]]


def test_several_trainings_are_the_charts_of_their_details(results):
    charts, spread = drawings({result.checkpoint.name: [result] for result in results})
    assert (charts.name, spread.name) == ("charts", "spread")
    titles = [panel.title for panel in charts.panels]
    assert "exit 2" in titles
    assert not [title for title in titles if "variance" in title]
    assert spread.legend == ("acn", "ffn")
    lines = iter(drawn(spread.panels[0]).lines)
    for result in results:
        found = result.details["spread"]
        for rows in (found["looks"][-1], found["initial"]):
            assert list(next(lines).get_ydata()) == [100 * row["tokens"] for row in rows]
    assert list(lines) == []


def test_no_network_of_many_is_left_out(results):
    unknown = {**results[0].details["spread"], "initial": None}
    other = replace(results[0], details={**results[0].details, "spread": unknown})
    sides = {str(i): [results[0] if i % 2 else other] for i in range(8)}
    *_, spread = drawings(sides)
    assert len(drawn(spread.panels[0]).lines) == 12


def test_results_of_an_older_version_are_drawn_without_spread(results):
    old = [
        replace(result, details={k: v for k, v in result.details.items() if k != "spread"})
        for result in results
    ]
    assert [drawing.name for drawing in drawings({"a": old[:1], "b": old[1:]})] == ["charts"]
    assert "spread" not in by_name(drawings({"a": old[:1]}))


def test_who_cannot_see_hears_numbers_and_no_blanks(results):
    (panel,) = by_name(drawings({"net": results[:1]}))["similarity"].values()
    assert "nan" not in panel.words
    assert "1 at 1" in panel.words


def test_a_result_is_drawn_with_its_own_figures(results, tmp_path):
    draw_result(results[0], tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        f"{name}.{suffix}"
        for name in ("accuracy", "training", "gradients", "similarity", "spread")
        for suffix in ("png", "svg")
    }
