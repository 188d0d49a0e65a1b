"""A server of MLflow that is started here."""

import socket

import pytest

from acn_eval.errors import ConfigError
from acn_eval.results import is_cells
from acn_eval.stores import resolve_store
from acn_eval.tracking import chart_links, record, serving
from acn_eval.tracking.views import pages as expected
from tests.fakes import fake_result, saved_pair


def test_a_server_takes_the_same_record_and_takes_it_once(tmp_path):
    from mlflow import MlflowClient

    record([fake_result("res_vit")], cwd=tmp_path)
    results, comparisons, artifacts = saved_pair(tmp_path / "acn-results")
    with serving(resolve_store(None, cwd=tmp_path), port=0) as server:
        seen = [
            record(
                results,
                comparisons,
                tracking_uri=server.address,
                cwd=tmp_path,
                artifacts=artifacts,
            ).runs
            for _ in range(2)
        ]
        client = MlflowClient(server.address)
        arm = seen[0][results[0].key]
        steps = [point.step for point in client.get_metric_history(arm, "acc/gaussian")]
        files = {file.path for file in client.list_artifacts(arm)}
        pages = chart_links(server.address)
    assert seen[0] == seen[1]
    assert steps == [0, 100, 200, 400]
    assert {name for name in files if not is_cells(name)} == {"accuracy.csv", "result.json"}
    assert len(files) == 3
    assert set(pages) == {f"acn-eval/robustness, {name}" for name in expected()}


def test_serving_needs_a_store_and_a_free_port(tmp_path):
    with pytest.raises(ConfigError, match="must be an MLflow store"):
        serving(resolve_store(None, cwd=tmp_path), port=0).__enter__()
    (tmp_path / "mlflow.db").touch()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigError, match="`port`"):
            serving(resolve_store(None, cwd=tmp_path), port=taken.getsockname()[1]).__enter__()
