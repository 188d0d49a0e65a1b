"""Which store is meant, and what happens when it does not answer."""

import sys
from pathlib import Path

import pytest

from acn_eval.errors import ConfigError, MissingExtra, TrackingError
from acn_eval.stores import resolve_store
from acn_eval.tracking import record
from acn_eval.tracking.server import LIGHT
from tests.fakes import fake_result

MLFLOW = Path(__file__).parents[2] / "mlflow"


def test_the_argument_wins_over_the_environment_over_the_folder(tmp_path, monkeypatch):
    assert resolve_store(None, cwd=tmp_path).uri == f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://lab:5000")
    assert resolve_store(None, cwd=tmp_path).uri == "http://lab:5000"
    assert resolve_store("sqlite:///a/b.db", cwd=tmp_path).uri == f"sqlite:///{tmp_path}/a/b.db"
    assert resolve_store("sqlite:////a.db", cwd=tmp_path).uri == "sqlite:////a.db"


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


def test_a_password_in_the_address_is_not_shown(tmp_path, dead_server):
    uri = dead_server.replace("http://", "http://me:secret@")
    with pytest.raises(TrackingError) as caught:
        record([fake_result()], tracking_uri=uri, cwd=tmp_path)
    assert "secret" not in str(caught.value)


def test_a_file_store_is_refused_in_one_line(tmp_path):
    with pytest.raises(ConfigError, match="`tracking_uri`: must begin with sqlite:///, postgres"):
        record([fake_result()], tracking_uri=str(tmp_path / "mlruns"), cwd=tmp_path)
    assert not list(tmp_path.iterdir())


def test_postgresql_without_a_driver_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg2", None)  # as where it is not installed
    with pytest.raises(MissingExtra, match=r"db/runs: needs postgres.*acn-eval\[postgres\]"):
        record(
            [fake_result()], tracking_uri="postgresql+psycopg2://me:secret@db/runs", cwd=tmp_path
        )


def test_the_configuration_folder_says_what_the_command_does():
    lines = (MLFLOW / "server.env").read_text().splitlines()
    settings = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    assert LIGHT.items() <= settings.items()


def test_the_configuration_folder_does_not_hide_mlflow():
    import mlflow

    assert not (MLFLOW / "__init__.py").exists()
    assert Path(mlflow.__file__).parent != MLFLOW
