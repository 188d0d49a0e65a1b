"""A client of the app of a service."""

import pytest
from fastapi.testclient import TestClient

from acn_eval.service.api import create_app


@pytest.fixture
def client(service):
    app, here = create_app(service), ("127.0.0.1", 50_000)
    with TestClient(app, base_url=service.url, client=here) as client:
        yield client


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
