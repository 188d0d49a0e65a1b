"""Where a cluster is, and who may join it."""

import socket

import pytest

from acn_eval.engine.ray_address import Cluster, cluster_of
from acn_eval.errors import ConfigError, MeasureError


@pytest.fixture(autouse=True)
def no_ray(monkeypatch, tmp_path):
    for name in ("RAY_ADDRESS", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_a_cluster_of_its_own_has_a_token_of_its_own():
    first, second = cluster_of("ray"), cluster_of("ray")
    assert first.is_own
    assert first.variables["RAY_AUTH_MODE"] == "token"
    assert len(first.variables["RAY_AUTH_TOKEN"]) == 64
    assert first.variables != second.variables
    assert first.variables["RAY_AUTH_TOKEN"] not in repr(first)
    first.require_reachable()


@pytest.mark.parametrize("said", ["127.0.0.1:6379", "localhost:6379", "[::1]:6379"])
def test_this_machine_needs_no_token(said, monkeypatch):
    assert cluster_of(f"ray://{said}") == Cluster(said, {})
    monkeypatch.setenv("RAY_ADDRESS", f"ray://{said}/")
    assert cluster_of("ray") == Cluster(said, {})
    assert cluster_of("ray://127.0.0.1:1").address == "127.0.0.1:1"


def test_the_cluster_of_this_machine_is_found(monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    cluster = cluster_of("ray")
    assert (cluster.address, cluster.is_own) == ("auto", False)
    monkeypatch.setenv("RAY_ADDRESS", "local")
    assert cluster_of("ray").is_own


def test_another_machine_needs_a_token(monkeypatch, tmp_path):
    with pytest.raises(ConfigError, match=r"must have a token .* ray://lab:6379\. Set RAY_"):
        cluster_of("ray://lab:6379")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "secret")
    assert cluster_of("ray://lab:6379").variables == {"RAY_AUTH_MODE": "token"}
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with pytest.raises(ConfigError, match="got RAY_AUTH_MODE=disabled for ray://lab:6379"):
        cluster_of("ray://lab:6379")
    assert cluster_of("ray://127.0.0.1:6379").variables == {"RAY_AUTH_MODE": "disabled"}
    monkeypatch.setenv("RAY_AUTH_MODE", "Token")
    assert cluster_of("ray://lab:6379").variables == {"RAY_AUTH_MODE": "Token"}
    monkeypatch.delenv("RAY_AUTH_MODE")
    monkeypatch.delenv("RAY_AUTH_TOKEN")
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray/auth_token").write_text("secret")
    assert cluster_of("ray://lab:6379").variables == {"RAY_AUTH_MODE": "token"}


@pytest.mark.parametrize(
    "said",
    ["", "lab", ":6379", "lab:", "lab:port", "lab:0", "lab:65536", "http://127.0.0.1:1", "a/b:1"],
)
def test_what_is_no_address_is_refused(said, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(ConfigError, match=rf"must be ray or ray://HOST:PORT; got ray://{said}\."):
        cluster_of(f"ray://{said}")
    monkeypatch.setenv("RAY_ADDRESS", f"{said or 'ray://'}")
    with pytest.raises(ConfigError, match=rf"HOST:PORT; got {said or 'ray://'}\."):
        cluster_of("ray")


def test_an_address_where_nothing_listens_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        cluster_of(f"ray://127.0.0.1:{port}").require_reachable()
    with pytest.raises(MeasureError, match="must be reachable; got Connection refused"):
        cluster_of(f"ray://127.0.0.1:{port}").require_reachable()
