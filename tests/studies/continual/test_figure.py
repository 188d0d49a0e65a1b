"""The figure of forgetting: the numbers of the matrices, of every exit and over seeds."""

from dataclasses import replace

import numpy as np
import pytest

from acn_eval.studies.continual.accuracy_matrix import AccuracyMatrix
from acn_eval.studies.continual.figure import drawings
from acn_eval.studies.continual.findings import matrix_of, spread
from tests.charts.axes import by_name, drawn
from tests.studies.continual.test_findings import result


def with_exits(*arguments, **options):
    """A result with two exits: the first is right half as often as the last."""
    found = result(*arguments, **options)
    last = np.array(found.details["matrix"]["task_il"])
    chart = {"name": "first task", "x": "tasks learned", "points": [[1, 0.9], [2, 0.5]]}
    exits = np.stack([last // 2, last], axis=1).tolist()
    return replace(found, details={**found.details, "exits": exits, "charts": [chart]})


@pytest.fixture(scope="module")
def sides():
    return {name: [with_exits(name, seed) for seed in range(3)] for name in ("acn", "residual")}


@pytest.fixture(scope="module")
def panels(sides):
    found = by_name(drawings(sides))
    assert list(found) == ["forgetting"]
    return {title: drawn(panel) for title, panel in found["forgetting"].items()}


def test_curves_over_tasks_are_means_over_seeds_with_student_s_limits(sides, panels):
    for scenario, words in (("task_il", "task-IL"), ("class_il", "class-IL")):
        axes = panels[f"mean over the tasks so far, {words}"]
        for line, band, own in zip(axes.lines, axes.collections, sides.values(), strict=True):
            rows = np.array([matrix_of(r, scenario).curve() for r in own])
            np.testing.assert_allclose(line.get_xdata(), [1, 2, 3])
            np.testing.assert_allclose(line.get_ydata(), 100 * rows.mean(axis=0))
            limits = [spread(column, 0.0) for column in rows.T]
            corners = band.get_paths()[0].vertices[:, 1]
            assert corners.min() == pytest.approx(100 * min(e.low for e in limits))
            assert corners.max() == pytest.approx(100 * max(e.high for e in limits))


@pytest.mark.parametrize(
    ("title", "measure"), [("accuracy at the end", "average"), ("forgetting", "forgetting")]
)
def test_curves_over_exits_are_those_of_the_matrix_of_each_exit(sides, panels, title, measure):
    axes = panels[f"every exit: {title}, task-IL"]
    for line, own in zip(axes.lines, sides.values(), strict=True):
        for exit, value in enumerate(line.get_ydata()):
            expected = [
                getattr(
                    AccuracyMatrix(
                        np.array(r.details["exits"])[:, exit] / r.details["matrix"]["images"]
                    ),
                    measure,
                )
                for r in own
            ]
            assert value == pytest.approx(100 * np.mean(expected))


def test_matrices_are_means_over_seeds_and_tasks_to_come_are_blank(sides, panels):
    for name, own in sides.items():
        (image,) = panels[f"{name}: task-IL, %"].get_images()
        mean = np.mean([matrix_of(r).values for r in own], axis=0)
        shown = np.ma.masked_invalid(image.get_array())
        known = np.tril(np.ones((3, 3))) > 0
        np.testing.assert_allclose(shown[known], 100 * mean[known])
        assert shown.mask[~known].all()


def test_who_cannot_see_hears_the_matrix(sides):
    panel = by_name(drawings(sides))["forgetting"]["acn: task-IL, %"]
    first = 100 * np.mean([matrix_of(r).values[0, 0] for r in sides["acn"]])
    assert f"after 1 tasks: {first:.1f}; after 2 tasks: " in panel.words


def test_one_seed_is_a_line_without_a_band(sides):
    alone = {name: own[:1] for name, own in sides.items()}
    panels = by_name(drawings(alone))["forgetting"]
    axes = drawn(panels["mean over the tasks so far, task-IL"])
    assert np.isfinite(axes.lines[0].get_ydata()).all()


def test_one_side_and_joint_training_are_the_charts_of_their_details(sides):
    joint = [with_exits("acn", seed, joint=True) for seed in range(2)]
    for own in ({"acn": sides["acn"]}, {"acn": sides["acn"], "joint": joint}):
        assert [drawing.name for drawing in drawings(own)] == ["charts"]
