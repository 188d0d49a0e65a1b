"""Recording is idempotent."""

import socket
import sqlite3
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from acn_eval.errors import ConfigError
from acn_eval.stores import resolve_store
from acn_eval.tracking import record
from acn_eval.tracking.run_content import experiment_name
from tests.fakes import deep_result, fake_result, saved_pair
from tests.tracking.recorded import client_of, search


def rows(folder):
    """Every row of every table."""
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            name: sorted(map(str, database.execute(f"SELECT * FROM {name}"))) for (name,) in tables
        }


def test_the_network_is_a_model_with_metrics_and_the_data_an_input(home):
    _, recorded, results, _ = home
    client = client_of(recorded)
    models = client.search_logged_models(list(recorded.experiments.values()))
    assert {model.name: str(model.status) for model in models} == {
        "ac_vit": "READY",
        "res_vit": "READY",
    }
    assert {metric.key for metric in models[0].metrics} >= {"acc/clean", "mean/corrupted"}
    inputs = client.get_run(recorded.runs[results[0].key]).inputs
    assert inputs.dataset_inputs[0].dataset.digest == results[0].data.fingerprint[:36]
    assert len(inputs.model_inputs) == 1


def test_recording_three_times_leaves_the_same_rows(folder):
    results, comparisons, artifacts = saved_pair(folder / "results")
    seen = []
    for _ in range(3):
        record(results, comparisons, cwd=folder, artifacts=artifacts)
        seen.append(rows(folder))
    assert seen[0]["metrics"]
    assert seen[0] == seen[1] == seen[2]


def test_nothing_is_sent_to_another_server_than_the_store_s(folder):
    """Whoever may write the store may have made the experiment before."""
    store, result = resolve_store(None, cwd=folder), fake_result()
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"http://127.0.0.1:{other.getsockname()[1]}/api/2.0/mlflow-artifacts/artifacts"
        name = experiment_name(str(result.suite["name"]))
        with store.lock():
            client = store.client()
        client.create_experiment(name, artifact_location=address)
        with pytest.raises(ConfigError, match="must lie on the server of the store"):
            record([result], cwd=folder)
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            other.accept()


def test_an_unfinished_run_is_completed_not_doubled(folder):
    result = fake_result()
    recorded = record([result], cwd=folder)
    with closing(sqlite3.connect(folder / "mlflow.db")) as database, database:
        database.execute("DELETE FROM metrics")
        database.execute("DELETE FROM latest_metrics")
        database.execute("UPDATE runs SET status = 'RUNNING'")
    again = record([result], cwd=folder)
    assert again.runs == recorded.runs
    (run,) = search(recorded, "")
    assert run.info.status == "FINISHED"
    assert "mean/corrupted" in run.data.metrics


def test_a_later_measurement_with_the_same_answer_is_the_same_run(folder):
    record([fake_result(created_ms=1_790_000_000_000)], cwd=folder)
    before = rows(folder)
    record([fake_result(created_ms=1_790_000_099_000)], cwd=folder)
    assert rows(folder) == before


def test_another_answer_to_the_same_question_is_another_run(folder):
    result = fake_result()
    record([result], cwd=folder)
    other = replace(result.cells[1], values=1 - result.cells[1].values)
    changed = replace(result, cells=(result.cells[0], other, *result.cells[2:]))
    assert changed.key == result.key
    recorded = record([changed], cwd=folder)
    assert len(search(recorded, f"tags.acn_eval.key = '{result.key}'")) == 2


def test_a_copy_of_a_checkpoint_under_another_name_is_the_same_run(folder):
    result = fake_result()
    record([result], cwd=folder)
    copy = replace(result.checkpoint, name="copy", uri="copy.pt", training={"steps": 1})
    recorded = record([replace(result, checkpoint=copy)], cwd=folder)
    assert len(search(recorded, "")) == 1


def test_recording_a_run_of_many_metrics_again_changes_nothing(folder):
    """MLflow forgets what it knows of more than a hundred in one batch, where a model is."""
    result = deep_result()
    first = record([result], cwd=folder)
    run = first.runs[result.key]
    before = rows(folder)
    assert len(before["metrics"]) > 100
    record([result], cwd=folder)
    assert rows(folder) == before
    history = client_of(first).get_metric_history(run, "acc/gaussian_0.4")
    assert [point.step for point in history] == list(range(17))
    cells = [c for c in result.cells if c.condition["level"] == 0.4]
    means = [100 * cell.values.mean() for cell in cells]
    np.testing.assert_allclose([point.value for point in history], means, rtol=1e-6)
