"""Which store is meant, and what happens when it does not answer."""

import socket
import sys
import time
from pathlib import Path

import pytest

from acn_eval.errors import ConfigError, MissingExtra, TrackingError
from acn_eval.results import is_cells
from acn_eval.tracking import chart_links, find, preparing, record, resolve_store, serving
from acn_eval.tracking.server import LIGHT
from acn_eval.tracking.views import PAGES
from tests.fakes import fake_result, saved_pair

MLFLOW = Path(__file__).parents[2] / "mlflow"


@pytest.fixture(autouse=True)
def _no_address(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # locks of servers
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture
def dead_server():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return f"http://127.0.0.1:{port}"


@pytest.fixture
def silent_server():
    """Accepts connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_the_argument_wins_over_the_environment_over_the_folder(tmp_path, monkeypatch):
    assert resolve_store(None, cwd=tmp_path).uri == f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://lab:5000")
    assert resolve_store(None, cwd=tmp_path).uri == "http://lab:5000"
    assert resolve_store("sqlite:///a/b.db", cwd=tmp_path).uri == f"sqlite:///{tmp_path}/a/b.db"
    assert resolve_store("sqlite:////a.db", cwd=tmp_path).uri == "sqlite:////a.db"


PROC = "sqlite:////proc/x.db"


@pytest.mark.parametrize(
    "begin",
    [
        lambda cwd: record([fake_result()], tracking_uri=PROC, cwd=cwd),
        lambda cwd: preparing(resolve_store(PROC, cwd=cwd)).__enter__(),
    ],
    ids=["record", "preparing"],
)
def test_a_folder_that_takes_no_files_is_refused_at_once(tmp_path, begin):
    """The lock would be tried for two minutes; /proc takes no files, not even from root."""
    start = time.monotonic()
    with pytest.raises(TrackingError, match=f"^{PROC}: must be a store that takes runs"):
        begin(tmp_path)
    assert time.monotonic() - start < 20


def test_an_old_mlruns_folder_does_not_turn_the_store_into_files(tmp_path):
    (tmp_path / "mlruns" / "0").mkdir(parents=True)
    (tmp_path / "mlruns" / "0" / "meta.yaml").write_text("experiment_id: '0'\nname: Default\n")
    recorded = record([fake_result()], cwd=tmp_path)
    assert recorded.store.database == tmp_path / "mlflow.db"
    assert recorded.store.database.exists()


def test_a_folder_with_spaces_and_signs_is_a_folder(tmp_path):
    home = tmp_path / "my runs #1 ü 100%"
    home.mkdir()
    artifacts = {fake_result().key: fake_result().save(home / "results")}
    record([fake_result()], cwd=home, artifacts=artifacts)
    assert (home / "mlflow.db").exists()
    assert list((home / "mlruns").rglob("result.json"))
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == [home.name]


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
    assert set(pages) == {f"acn-eval/robustness, {name}" for name in PAGES}


@pytest.mark.parametrize("kind", ["dead_server", "silent_server"])
def test_a_dead_server_fails_fast_and_says_what_to_do(kind, request, tmp_path):
    uri = request.getfixturevalue(kind)
    results, comparisons, artifacts = saved_pair(tmp_path / "acn-results")
    start = time.monotonic()
    with pytest.raises(TrackingError) as caught:
        record(results, comparisons, tracking_uri=uri, cwd=tmp_path, artifacts=artifacts)
    assert time.monotonic() - start < 20
    assert caught.value.exit_code == 4
    assert "\n" not in str(caught.value)
    assert uri in str(caught.value)
    assert f"acn-eval upload {tmp_path / 'acn-results'}" in str(caught.value)
    found = find([tmp_path / "acn-results"])
    assert (len(found.results), len(found.comparisons)) == (2, 1)
    recorded = record(found.results, found.comparisons, cwd=tmp_path, artifacts=found.artifacts)
    assert len(recorded.runs) == 3


def test_a_password_in_the_address_is_not_shown(tmp_path, dead_server):
    uri = dead_server.replace("http://", "http://me:secret@")
    with pytest.raises(TrackingError) as caught:
        record([fake_result()], tracking_uri=uri, cwd=tmp_path)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("content", ["no database at all, but long enough to be read as one" * 99])
def test_a_damaged_store_is_one_line(tmp_path, content):
    (tmp_path / "mlflow.db").write_text(content)
    with pytest.raises(TrackingError) as caught:
        record([fake_result()], cwd=tmp_path)
    assert "\n" not in str(caught.value)


def test_a_file_store_is_refused_in_one_line(tmp_path):
    with pytest.raises(ConfigError, match="--tracking-uri: must begin with sqlite:///, postgres"):
        record([fake_result()], tracking_uri=str(tmp_path / "mlruns"), cwd=tmp_path)
    assert not list(tmp_path.iterdir())


def test_postgresql_without_a_driver_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg2", None)  # as where it is not installed
    with pytest.raises(MissingExtra, match=r"db/runs: needs postgres.*acn-eval\[postgres\]"):
        record(
            [fake_result()], tracking_uri="postgresql+psycopg2://me:secret@db/runs", cwd=tmp_path
        )


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ConfigError, match="must be a file in a folder that exists"):
        record([fake_result()], cwd=tmp_path / "file")


def test_serving_needs_a_store_and_a_free_port(tmp_path):
    with pytest.raises(ConfigError, match="must be an MLflow store"):
        serving(resolve_store(None, cwd=tmp_path), port=0).__enter__()
    (tmp_path / "mlflow.db").touch()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigError, match="--port"):
            serving(resolve_store(None, cwd=tmp_path), port=taken.getsockname()[1]).__enter__()


def test_the_configuration_folder_says_what_the_command_does():
    lines = (MLFLOW / "server.env").read_text().splitlines()
    settings = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    assert LIGHT.items() <= settings.items()


def test_the_configuration_folder_does_not_hide_mlflow():
    import mlflow

    assert not (MLFLOW / "__init__.py").exists()
    assert Path(mlflow.__file__).parent != MLFLOW
