"""The metrics of a result in MLflow."""

from dataclasses import replace

import numpy as np
import pytest
import torchvision

from acn_eval.checkpoints import from_module
from acn_eval.data import Geometry, PrepareImages
from acn_eval.evaluation import DataSelection, evaluate
from acn_eval.studies.compare import summarize
from acn_eval.studies.transfer.suite import Transfer
from acn_eval.tracking import record
from acn_eval.tracking.result_run import arm_run
from tests.fakes import deep_result, fake_result
from tests.tiny import SUITE
from tests.tracking.recorded import client_of, search


@pytest.fixture(scope="module")
def stored_with_labels(tiny, tmp_path_factory):
    """A result that was really measured: with labels and probabilities."""
    file = tmp_path_factory.mktemp("suite") / "small.yaml"
    file.write_text(SUITE)
    (result,) = evaluate([str(tiny / "tiny_ac.pt")], str(file), DataSelection(limit=60))
    return result


def test_a_curve_starts_at_clean_and_steps_are_levels_in_thousandths(home):
    _, recorded, results, _ = home
    run = recorded.runs[results[0].key]
    history = client_of(recorded).get_metric_history(run, "acc/gaussian")
    assert [point.step for point in history] == [0, 100, 200, 400]
    means = [100 * cell.values.mean() for cell in results[0].cells[:4]]
    np.testing.assert_allclose([point.value for point in history], means, rtol=1e-6)
    assert {point.timestamp for point in history} == {results[0].created_ms}


def test_means_are_keys_of_their_own_in_points(home):
    _, recorded, results, _ = home
    metrics = client_of(recorded).get_run(recorded.runs[results[0].key]).data.metrics
    cells = [100 * cell.values.mean() for cell in results[0].cells]
    assert metrics["acc/clean"] == pytest.approx(cells[0])
    assert metrics["mean/gaussian"] == pytest.approx(np.mean(cells[1:4]))
    assert metrics["mean/salt_and_pepper"] == pytest.approx(np.mean(cells[4:]))
    assert metrics["mean/corrupted"] == pytest.approx(np.mean(cells[1:]))


def test_normalised_noise_has_keys_of_its_own(folder):
    recorded = record([fake_result(space="normalized")], cwd=folder)
    metrics = search(recorded, "")[0].data.metrics
    assert {"acc/gaussian_normalized", "mean/gaussian_normalized", "acc/clean"} < set(metrics)
    assert "acc/gaussian" not in metrics


def test_of_several_exits_the_last_is_drawn(folder):
    result = fake_result()

    def at(number, cell):
        values = cell.values if number == 8 else np.zeros_like(cell.values)
        return replace(cell, condition={**cell.condition, "exit": number}, values=values)

    cells = tuple(at(number, cell) for number in (4, 8) for cell in result.cells)
    suite = {**result.suite, "kind": "compression"}
    recorded = record([replace(result, cells=cells, suite=suite)], cwd=folder)
    metrics = search(recorded, "")[0].data.metrics
    assert metrics["acc/clean"] == pytest.approx(100 * result.cells[0].values.mean())


def test_a_chart_is_drawn_against_its_own_places(folder):
    result = deep_result(depth=4)
    recorded = record([result], cwd=folder)
    client, run = client_of(recorded), recorded.runs[result.key]
    keys = [k for k in client.get_run(run).data.metrics if k.endswith("/cut")]
    (key,) = keys
    history = client.get_metric_history(run, key)
    assert [(p.step, p.value) for p in history] == [(100 * k, 25.0 * k) for k in range(5)]


def test_the_spread_of_every_exit_is_a_curve_whose_step_is_the_exit():
    rows = [{"tokens": 0.5, "cosine": -0.25}, {"tokens": None, "cosine": 1.0}]
    spread = {"images": 9, "reason": "", "trained": rows, "initial": None}
    deep = deep_result(depth=4)
    run = arm_run(replace(deep, details={**deep.details, "spread": spread}))
    found = [(p.key, p.step, p.value) for p in run.points if p.key.startswith("spread")]
    assert found == [
        ("spread_trained/tokens", 0, 0.5),
        ("spread_trained/cosine", 0, -0.25),
        ("spread_trained/cosine", 1, 1.0),
    ]
    before = {**deep.details, "spread": {**spread, "initial": rows[:1]}}
    keys = {p.key for p in arm_run(replace(deep, details=before)).points}
    assert {"spread_initial/tokens", "spread_initial/cosine"} <= keys


def test_every_metric_of_the_stored_outcomes_is_a_point_in_its_unit(stored_with_labels):
    run = arm_run(stored_with_labels)
    points = {(point.key, point.step): point.value for point in run.points}
    for metric, prefix in (("accuracy", "acc"), ("nll", "nll"), ("ece", "ece")):
        (clean, *_, primary) = summarize([stored_with_labels], metric=metric)
        scale = clean.quantity.scale
        assert points[f"{prefix}/clean", 0] == pytest.approx(scale * clean.estimate.value)
        if metric != "accuracy":
            own = points[f"{metric}/primary", 0]
            assert own == pytest.approx(scale * primary.estimate.value)


def test_outcomes_without_probabilities_have_accuracies_alone():
    keys = {point.key for point in arm_run(fake_result()).points}
    assert "acc/clean" in keys
    assert not any(key.startswith(("nll", "brier", "ece", "balanced")) for key in keys)


def test_a_run_counts_its_examples_by_what_they_are():
    result = deep_result(depth=4)
    text = replace(result, checkpoint=replace(result.checkpoint, preprocessing={"sentences": 1}))
    for own, name in ((result, "images"), (text, "examples")):
        params = arm_run(own).params
        assert params[name] == str(result.data.n)
        assert len({"images", "examples"} & params.keys()) == 1


def test_a_network_without_exits_has_every_metric_once_per_step():
    """A server refuses a second value; its depths have names, and are no steps."""
    block = torchvision.models.resnet.BasicBlock
    module = torchvision.models.ResNet(block, [1, 1, 1, 1], num_classes=10)
    prepare = PrepareImages(Geometry(8, 3), (0.5,) * 3, (0.5,) * 3)
    classes = tuple("0123456789")
    network = from_module(module.eval(), name="resnet", classes=classes, prepare=prepare)
    suite = Transfer(name="t", protocols=("ridge",))
    (result,) = evaluate([network], suite, DataSelection(data="digits", limit=40))
    points = arm_run(result).points
    assert len({(point.key, point.step) for point in points}) == len(points)
    found = {point.key: point.value for point in points}
    (cell,) = (c for c in result.cells if c.condition["exit"] == "layer3")
    assert found["acc/clean_exit_layer3"] == pytest.approx(100 * cell.values.mean())
