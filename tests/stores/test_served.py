"""Servers that list and send what they like."""

import json
from itertools import repeat

import pytest

from acn_eval.errors import ConfigError, TrackingError
from acn_eval.stores.served import Served, served
from acn_eval.stores.store import quiet_environment
from tests.hostile.servers import http, serving, streams

API = "/api/2.0/mlflow-artifacts/artifacts"
NET = {"path": "net.pt", "is_dir": False, "file_size": 5}
FIVE = (http("200 OK", b"12345"),)
ENDLESS = {
    "a file": (http("200 OK", b"", "Content-Length: 99999999999"), *repeat(bytes(2**20), 9999)),
    "a listing": (
        http("200 OK", b"", "Content-Length: 99999999999") + b'{"files":[],"x":"',
        *repeat(b"a" * 2**20, 9999),
    ),
}


@pytest.fixture(autouse=True)
def _few_retries(monkeypatch):
    quiet_environment()
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "SECRET")


def answering(heads, files, content=FIVE):
    """Answer with a listing where one is asked for, else with a file."""

    def answer(connection, request):
        line = request.partition(b"\r\n")[0]
        heads.append(request)
        listing = (http("200 OK", json.dumps(files).encode()),)
        streams(listing if b"?path=" in line else content)(connection, request)

    return answer


def test_files_are_listed_and_downloaded_with_the_token_of_the_user(tmp_path):
    heads = []
    with serving(answering(heads, {"files": [NET, {"path": "d", "is_dir": True}]})) as port:
        found = served("mlflow-artifacts:/1/a b#c", f"http://127.0.0.1:{port}/lab/")
        assert [tuple(one) for one in found.list_artifacts("x")] == [
            ("x/net.pt", False, 5),
            ("x/d", True, None),
        ]
        found.download_artifacts("x/net.pt", str(tmp_path))
    assert (tmp_path / "x/net.pt").read_bytes() == b"12345"
    assert b"GET /lab" + API.encode() + b"?path=1%2Fa" in heads[0]
    assert all(b"Bearer SECRET" in head for head in heads)


@pytest.mark.parametrize(
    ("place", "root"),
    [
        ("mlflow-artifacts:/1/a", "1/a"),
        ("mlflow-artifacts://lab:80/1/a", "1/a"),
        (f"http://lab{API}/1/a", "1/a"),
        (f"http://LAB:80/x{API}/1/a", "1/a"),
    ],
)
def test_places_on_the_server_of_the_store(place, root):
    assert served(place, "http://lab").root == root


@pytest.mark.parametrize(
    "place",
    [
        f"http://other{API}/1",
        f"http://lab:81{API}/1",
        f"https://lab{API}/1",
        f"http://lab@other{API}/1",
        f"http:{API}/1",
        "mlflow-artifacts://other/1",
        "mlflow-artifacts://lab:81/1",
    ],
)
@pytest.mark.parametrize("store", ["http://lab", "sqlite:////tmp/mlflow.db"])
def test_no_other_server_is_asked(place, store):
    with pytest.raises(ConfigError, match="must lie on the server of the store"):
        served(place, store)


@pytest.mark.parametrize(
    "said",
    [
        [1],
        {"files": 3},
        {"files": [3]},
        {"files": [{**NET, "path": 5}]},
        {"files": [{**NET, "file_size": "x"}]},
        {"files": [{"path": "a"}]},
        {"files": [], "more": "x" * 2**23},
    ],
    ids=str,
)
def test_listings_that_are_none(said):
    with serving(answering([], said)) as port, pytest.raises(TrackingError, match="list of fil"):
        Served(f"http://127.0.0.1:{port}/api/2.0", "x").list_artifacts(None)


def test_a_listing_without_end_is_cut():
    with serving(streams(ENDLESS["a listing"])) as port:
        found = Served(f"http://127.0.0.1:{port}", "")
        with pytest.raises(TrackingError, match="got more than 4,194,304 bytes"):
            found.list_artifacts(None)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (ENDLESS["a file"], "got more than 5"),
        ((http("200 OK", b"123456"),), "got more than 5"),
        ((http("200 OK", b"1"),), "listed; got 1"),
    ],
    ids=["endless", "long", "short"],
)
def test_a_file_has_the_size_that_was_stated(tmp_path, content, said):
    with serving(answering([], {"files": [NET]}, content)) as port:
        found = Served(f"http://127.0.0.1:{port}", "")
        found.list_artifacts(None)
        with pytest.raises(TrackingError, match=said):
            found.download_artifacts("net.pt", str(tmp_path))
    assert (tmp_path / "net.pt").stat().st_size <= 5


def test_a_redirect_is_not_followed():
    with serving(streams([http("302 Found", b"", "Location: http://127.0.0.1:9/")])) as port:
        found = Served(f"http://127.0.0.1:{port}", "")
        with pytest.raises(TrackingError, match="HTTP 302"):
            found.list_artifacts(None)
