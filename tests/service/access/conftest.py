import shutil
from itertools import count
from pathlib import Path

import pytest
from fastapi import Depends, FastAPI, Request
from fastapi.testclient import TestClient

from acn_eval.service.access.guards import needs
from acn_eval.service.access.login import log_in, log_out
from acn_eval.service.access.shield import Shield, allowed_hosts
from acn_eval.service.access.tokens import Tokens
from acn_eval.service.database import Database
from acn_eval.service.migrations import migrate
from acn_eval.service.service import Service
from acn_eval.service.settings import Settings
from acn_eval.stores import TrackingStore
from tests.service.conftest import POSTGRESQL
from tests.tracking.postgres import new_database

NUMBERS = count()


@pytest.fixture(params=["sqlite", POSTGRESQL])
def database(request, tmp_path):
    """On either kind; a copy is faster than to migrate, and PostgreSQL is slow to start."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("tables"), tmp_path / "service.db")
        made = Database.at(f"sqlite:///{tmp_path / 'service.db'}")
    else:
        server = request.getfixturevalue("postgresql_server")
        made = Database.at(new_database(server, f"access{next(NUMBERS)}"))
        migrate(made)
    yield made
    made.engine.dispose()


@pytest.fixture
def tokens(database):
    return Tokens(database)


@pytest.fixture
def app(database):
    """Routes that need a scope, behind the shield."""
    made, settings = FastAPI(), Settings(hosts=("Lab.example",))
    store = TrackingStore("sqlite:////nowhere/mlflow.db")
    url = "http://localhost"
    made.state.service = Service(settings, database, store, Path("home"), url)
    made.add_middleware(Shield, hosts=allowed_hosts(settings))

    @made.get("/read")
    def read(who: str = Depends(needs("read"))):
        return who

    @made.post("/submit")
    def submit(who: str = Depends(needs("submit"))):
        return who

    @made.post("/open")
    async def swallow(request: Request):
        return len(await request.body())

    made.add_route("/login", log_in, methods=["POST"])
    made.add_route("/logout", log_out, methods=["POST"])
    return made


@pytest.fixture
def client(app):
    return caller(app)


def caller(app, came="127.0.0.1", **headers):
    own = TestClient(app, "http://localhost", client=(came, 50_000), follow_redirects=False)
    own.headers |= headers
    return own
