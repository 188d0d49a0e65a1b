"""Eight processes record at once: nothing is lost, nothing is there twice."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from acn_eval.stores import resolve_store
from acn_eval.stores.store import TrackingStore
from acn_eval.tracking import serving
from tests.tracking.contents import contents
from tests.tracking.postgres import needs_postgres, new_database, postgres
from tests.tracking.storm import SHARED, work

ROOT = Path(__file__).parents[2]
COUNT = 8


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What one process leaves that does the work of all, one after the other."""
    folder = tmp_path_factory.mktemp("one")
    uri = f"sqlite:///{folder}/mlflow.db"
    work([SHARED, *range(1, COUNT + 1)], folder, uri)
    return contents(uri)


@pytest.fixture(scope="module")
def server():
    with postgres() as address:
        yield address


def storm(uri, folder, *options):
    command = [sys.executable, "-m", "tests.tracking.storm", uri, folder, COUNT, *options]
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        list(map(str, command)), cwd=folder, env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_eight_processes_on_a_new_sqlite_store(expected, tmp_path):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    storm(uri, tmp_path)
    assert contents(uri) == expected
    assert len(expected["runs"]) == 3 * (COUNT + 1)
    assert len(expected["models"]) == 2
    assert len(expected["versions"]) == 1


@pytest.mark.slow
def test_eight_processes_on_a_server_over_sqlite(expected, tmp_path):
    store = resolve_store(None, cwd=tmp_path)
    with store.lock():
        store.client()
    with serving(store, port=0) as shown:
        storm(shown.address, tmp_path)
    assert contents(store.uri) == expected


@needs_postgres
@pytest.mark.slow
def test_eight_processes_on_a_new_postgresql(expected, server, tmp_path):
    uri = new_database(server, "direct")
    storm(uri, tmp_path)
    assert contents(uri) == expected


@needs_postgres
@pytest.mark.slow
@pytest.mark.parametrize("attempt", range(3))
def test_eight_machines_that_share_no_lock(expected, server, tmp_path, attempt):
    uri = new_database(server, f"machines{attempt}")
    TrackingStore(uri).client().search_experiments()
    storm(uri, tmp_path, "--machines")
    assert contents(uri) == expected


@needs_postgres
@pytest.mark.slow
def test_eight_machines_through_a_server_on_postgresql(expected, server, tmp_path):
    store = TrackingStore(new_database(server, "served"))
    with serving(store, port=0) as shown:
        storm(shown.address, tmp_path, "--machines")
    assert contents(store.uri) == expected
