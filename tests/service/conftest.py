"""A fresh service over real SQLite files, a real MLflow server, and databases of either kind."""

import shutil
from itertools import count

import pytest

from acn_eval.service.database import Database
from acn_eval.service.migrations import migrate
from acn_eval.service.service import Service
from acn_eval.service.settings import Settings
from acn_eval.stores import TrackingStore, resolve_store
from tests.tracking.postgres import needs_postgres, new_database, postgres

NUMBERS = count()
POSTGRESQL = pytest.param("postgresql", marks=[needs_postgres, pytest.mark.slow])


@pytest.fixture(autouse=True)
def _no_address(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # locks of servers
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("ACN_EVAL_DATABASE", raising=False)


@pytest.fixture(scope="session")
def tables(tmp_path_factory):
    """An SQLite file with the service's tables; copy it only."""
    file = tmp_path_factory.mktemp("tables") / "service.db"
    database = Database.at(f"sqlite:///{file}")
    migrate(database)
    database.engine.dispose()  # all of it is in the file then
    return file


@pytest.fixture
def database(tables, tmp_path):
    shutil.copy(tables, tmp_path / "service.db")
    database = Database.at(f"sqlite:///{tmp_path / 'service.db'}")
    yield database
    database.engine.dispose()


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory):
    """A store of MLflow without runs; copy it only, for making one takes seconds."""
    store = resolve_store(None, cwd=tmp_path_factory.mktemp("empty"))
    with store.lock():
        store.client()
    return store.database


@pytest.fixture
def mlflow_store(empty_store, tmp_path):
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    return TrackingStore(f"sqlite:///{tmp_path / 'mlflow.db'}")


@pytest.fixture
def service(database, mlflow_store, tmp_path):
    """A service without profiles: `dataclasses.replace` gives it others."""
    return Service(Settings(), database, mlflow_store, tmp_path, "http://127.0.0.1:8700")


@pytest.fixture(scope="session")
def mlflow_server(empty_store, tmp_path_factory):
    """A real MLflow server that all tests share: name what you register after the test."""
    from acn_eval.tracking import serving

    folder = tmp_path_factory.mktemp("server")
    shutil.copy(empty_store, folder / "mlflow.db")
    with serving(TrackingStore(f"sqlite:///{folder / 'mlflow.db'}"), port=0) as server:
        yield TrackingStore(server.address)


@pytest.fixture(scope="session")
def postgresql_server():
    with postgres() as address:
        yield address


@pytest.fixture(params=["sqlite", POSTGRESQL])
def address(request, tmp_path):
    """The address of an empty database, on either kind; PostgreSQL is slow to start."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'either.db'}"
    server = request.getfixturevalue("postgresql_server")
    return new_database(server, f"service{next(NUMBERS)}")


@pytest.fixture
def either(address):
    """A database with tables, on either kind."""
    database = Database.at(address)
    migrate(database)
    yield database
    database.engine.dispose()
