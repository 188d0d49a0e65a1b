"""The metrics of a result in MLflow."""

from dataclasses import replace

import numpy as np
import pytest

from acn_eval.tracking import record
from tests.fakes import deep_result, fake_result
from tests.tracking.recorded import client_of, search


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
