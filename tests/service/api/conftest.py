"""A client of the app of a service."""

from contextlib import ExitStack

import pytest
from fastapi.testclient import TestClient

from acn_eval.service.api import create_app
from acn_eval.service.service import Service
from acn_eval.service.settings import Settings
from acn_eval.stores import TrackingStore


@pytest.fixture
def service(database, tmp_path):
    """A service whose store is an empty file: MLflow, which takes seconds, is not asked."""
    (tmp_path / "mlflow.db").touch()
    store = TrackingStore(f"sqlite:///{tmp_path / 'mlflow.db'}")
    return Service(Settings(), database, store, tmp_path, "http://127.0.0.1:8700")


@pytest.fixture
def asking():
    """Call it with a service, and its watcher, for a client of its app on this machine."""
    with ExitStack() as opened:

        def ask(service, watcher=None):
            app = create_app(service, watcher)
            client = TestClient(app, base_url=service.url, client=("127.0.0.1", 50000))
            return opened.enter_context(client)

        yield ask


@pytest.fixture
def client(asking, service):
    return asking(service)


@pytest.fixture
def refused(client):
    """Send a request that must be a problem with a status; returns its one line."""

    def send(status, method, path, **options):
        answer = client.request(method, path, **options)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        said = answer.json()
        assert said["status"] == status
        assert "\n" not in said["detail"]
        return said["detail"]

    return send
