"""A service with jobs of every kind, which nothing changes, and its pages."""

import shutil

import pytest
from fastapi.testclient import TestClient

from acn_eval.service.api import create_app
from acn_eval.service.database import Database
from acn_eval.service.service import Service
from acn_eval.service.settings import Settings
from acn_eval.stores import TrackingStore
from tests.service.pages.rows import fill

ADDRESS = "http://127.0.0.1:8700"


def service_of(database, folder):
    """A service whose store no page opens; to make one takes seconds."""
    store = TrackingStore(f"sqlite:///{folder / 'mlflow.db'}")
    return Service(Settings(), database, store, folder, ADDRESS)


def client_of(service):
    return TestClient(create_app(service), base_url=ADDRESS, client=("127.0.0.1", 50_000))


@pytest.fixture(scope="package")
def filled(tables, tmp_path_factory):
    """The service, and the numbers of its jobs by what they are."""
    folder = tmp_path_factory.mktemp("filled")
    shutil.copy(tables, folder / "service.db")
    database = Database.at(f"sqlite:///{folder / 'service.db'}")
    service = service_of(database, folder)
    return service, fill(service)


@pytest.fixture
def service(database, tmp_path):
    return service_of(database, tmp_path)


@pytest.fixture
def numbers(filled):
    return filled[1]


@pytest.fixture(scope="package")
def shown(filled):
    """Return a page, which must be one."""
    client = client_of(filled[0])

    def get(path, status=200):
        answer = client.get(path, follow_redirects=False)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        return answer.text

    return get
