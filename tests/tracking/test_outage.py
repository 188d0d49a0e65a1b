"""A server dies while a command records: the results are safe, and the same runs are completed."""

import os
import signal
import socket
import threading
from contextlib import contextmanager, suppress

import pytest

from acn_eval.stores import resolve_store
from acn_eval.stores.store import TrackingStore
from acn_eval.tracking import serving
from tests.fakes import saved_pair
from tests.tiny import run
from tests.tracking.contents import connected, contents

pytestmark = pytest.mark.slow
STATES = "SELECT run_uuid, status FROM runs WHERE lifecycle_stage = 'active'"


@pytest.fixture
def store(tmp_path):
    found = resolve_store(None, cwd=tmp_path / "server")
    found.database.parent.mkdir()
    with found.lock():
        found.client()
    return found


@pytest.fixture
def results(tmp_path):
    saved_pair(tmp_path / "acn-results")
    return tmp_path


@pytest.fixture(scope="module")
def uncut(tmp_path_factory):
    """What the same upload leaves where nothing happens."""
    folder = tmp_path_factory.mktemp("uncut")
    saved_pair(folder / "acn-results")
    assert run(folder, "upload")[0] == 0
    return contents(f"sqlite:///{folder}/mlflow.db")


@contextmanager
def killed_after(store: TrackingStore, requests: int):
    """Yield the address of a door to a server that is killed when so many requests have passed."""
    with serving(store, port=0) as server, socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        threading.Thread(target=_pass_on, args=(door, server, requests), daemon=True).start()
        yield f"http://127.0.0.1:{door.getsockname()[1]}"


def _pass_on(door, server, requests):
    """Count the requests of every connection on their way to the server."""
    left = [requests]
    target = ("127.0.0.1", int(server.address.rpartition(":")[2]))
    with suppress(OSError):  # until the door is closed
        while True:
            client, _ = door.accept()
            try:
                inner = socket.create_connection(target)
            except OSError:
                client.close()  # the server is dead
                continue
            for ends in ((client, inner, True), (inner, client, False)):
                threading.Thread(target=_copy, args=(*ends, left, server), daemon=True).start()


def _copy(source, sink, asks, left, server):
    with source, sink, suppress(OSError):
        while data := source.recv(65536):
            if asks and data.split(b" ", 1)[0] in {b"GET", b"POST", b"PUT", b"PATCH"}:
                left[0] -= 1
                if left[0] < 0:
                    os.killpg(server.process.pid, signal.SIGKILL)
            sink.sendall(data)


@pytest.mark.parametrize("requests", [9, 30])
def test_a_record_that_was_cut_off_is_completed_not_doubled(
    store, results, requests, uncut, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with killed_after(store, requests) as address:
        code, out, err = run(results, "upload", "--tracking-uri", address)
    assert (code, out) == (4, "")
    assert "acn-eval upload acn-results" in err
    assert "Traceback" not in err
    with connected(store.uri) as ask:
        begun = dict(map(tuple, ask(STATES)))

    with serving(store, port=0) as server:
        for _ in range(2):
            code, out, err = run(results, "upload", "--tracking-uri", server.address)
            assert (code, err) == (0, "")
    with connected(store.uri) as ask:
        completed = dict(map(tuple, ask(STATES)))
    assert begun.keys() <= completed.keys()
    assert set(completed.values()) == {"FINISHED"}
    assert contents(store.uri) == uncut
