"""Real SQLite stores, and servers that do not answer."""

import shutil
import socket

import pytest

from acn_eval.stores import resolve_store
from acn_eval.tracking import record
from tests.fakes import saved_pair
from tests.tracking.recorded import client_of


@pytest.fixture(scope="session")
def empty(tmp_path_factory):
    """A store without runs: making one takes seconds."""
    store = resolve_store(None, cwd=tmp_path_factory.mktemp("empty"))
    with store.lock():
        store.client()
    return store.database


@pytest.fixture
def folder(empty, tmp_path):
    shutil.copy(empty, tmp_path / "mlflow.db")
    return tmp_path


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """A folder whose store holds two arms and their comparison; read it only."""
    folder = tmp_path_factory.mktemp("home")
    results, comparisons, artifacts = saved_pair(folder / "acn-results")
    recorded = record(results, comparisons, cwd=folder, artifacts=artifacts)
    client_of(recorded).set_tag(recorded.runs[results[1].key], "acn_eval.gate", "fail")
    return folder, recorded, results, comparisons


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
