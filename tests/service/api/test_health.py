"""Readiness: red when a part is gone, green again."""

import socket
import time
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import update

from acn_eval.service import tables as t
from acn_eval.service.api import health
from acn_eval.service.settings import Profile, Settings
from acn_eval.service.workers import Workers
from acn_eval.stores import TrackingStore
from acn_eval.tracking import serving


@dataclass
class Watch:
    lag: float = 1.0

    def nudge(self):
        raise AssertionError("nobody asked for it")


@pytest.fixture
def watched(asking, service, monkeypatch):
    """A service with a worker and a profile, and its client; nothing is kept."""
    monkeypatch.setattr(health, "_KEPT", 0.0)
    Workers(service.database).beat("w")
    profiles = (Profile(name="a", baseline="@champion"),)
    held = replace(service, settings=Settings(profiles=profiles))
    return held, asking(held, Watch())


def red(client):
    """The parts that do not work, and what is said about them."""
    answer = client.get("/readyz")
    parts = {name: p["detail"] for name, p in answer.json()["parts"].items() if not p["ok"]}
    assert (answer.status_code == 503) == bool(parts) == (not answer.json()["ready"])
    return parts


def test_a_process_answers(client):
    assert client.get("/healthz").json() == {"status": "ok"}


def test_a_service_is_ready(watched):
    _, client = watched
    said = client.get("/readyz").json()
    assert said["ready"]
    assert [*said["parts"]] == ["database", "registry", "workers", "disk", "watcher"]
    assert said["parts"]["workers"]["detail"] == "1 take jobs"


def test_parts_turn_red_and_green_again(watched, monkeypatch):
    service, client = watched
    store = service.store.database
    store.rename(store.with_suffix(".away"))
    assert red(client) == {"registry": "its file is not there"}
    store.with_suffix(".away").rename(store)
    with service.database.write() as connection:
        connection.execute(update(t.worker).values(seen=t.worker.c.seen - 61))
    assert "none was seen for 60 s" in red(client)["workers"]
    Workers(service.database).beat("w")
    client.app.state.watcher.lag = 151.0
    assert red(client) == {"watcher": "must look every 150 s; its last look was 151 s ago"}
    client.app.state.watcher.lag = 2.0
    monkeypatch.setattr(health, "_DISK_BYTES", 2**60)
    assert "must have" in red(client)["disk"]
    monkeypatch.undo()
    monkeypatch.setattr(health, "_KEPT", 0.0)
    assert red(client) == {}


def test_a_database_that_is_gone_turns_it_red(watched):
    service, client = watched
    file = service.home / "service.db"
    file.rename(away := file.with_suffix(".away"))
    file.write_bytes(b"no database" * 1000)
    said = red(client)
    assert said == {"database": "does not answer", "workers": "does not answer"}
    away.rename(file)
    assert red(client) == {}


def test_a_part_that_hangs_is_red_in_time(watched, monkeypatch):
    service, client = watched
    monkeypatch.setattr(health, "_SECONDS", 0.2)
    with service.database.write():  # reads wait for nobody: the counting has to
        monkeypatch.setattr(type(service.database), "read", type(service.database).write)
        assert "does not answer within 0.2 s" in red(client)["database"]
    monkeypatch.setattr(health, "_SECONDS", 60.0)
    assert red(client) == {}


def at(watched, asking, address):
    service, _ = watched
    return asking(replace(service, store=TrackingStore(address)), Watch())


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_registry_that_ends_turns_it_red_and_green_again(watched, asking, mlflow_store):
    with serving(mlflow_store, port=0) as server:
        client = at(watched, asking, server.address)
        while "registry" in red(client):  # its first answer may take more than two seconds
            continue
    assert "registry" in red(client)
    with serving(mlflow_store, port=int(server.address.rpartition(":")[2])):
        while "registry" in red(client):
            continue


@pytest.mark.slow
def test_a_registry_that_accepts_and_says_nothing_is_red_in_time(watched, asking):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = at(watched, asking, f"http://127.0.0.1:{silent.getsockname()[1]}")
        begun = time.monotonic()
        assert red(client) == {"registry": "does not answer within 2 s"}
        assert time.monotonic() - begun < 4
        assert red(client) == {"registry": "does not answer within 2 s"}
