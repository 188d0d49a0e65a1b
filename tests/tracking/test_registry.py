"""What an address points to, in a real registry."""

import socket

import pytest

from acn_eval.errors import CheckpointError, ConfigError
from acn_eval.gate import decide
from acn_eval.reach import confined
from acn_eval.service.access.sources import Sources
from acn_eval.stores import resolve_store
from acn_eval.tracking import Registry, record
from tests.gate.pairs import gate, pair


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A registry with a version of the model ``known``, and the pair that was recorded."""
    folder = tmp_path_factory.mktemp("shelf")
    sides = pair(1000, clean=(5, 5))
    folders = {side.key: side.save(folder) for side in sides}
    recorded = record(sides, cwd=folder, artifacts=folders)
    registry = Registry(resolve_store(None, cwd=folder))
    return registry, registry.register("known", sides[0], recorded.runs[sides[0].key]), sides


def test_a_run_is_its_stored_result(shelf, tmp_path):
    registry, version, sides = shelf
    found = registry.result(f"runs:/{version.run}", tmp_path)
    assert found.key == sides[0].key
    assert decide(gate(), found, sides[1]) == decide(gate(), *sides)


def test_addresses_that_are_not_there(shelf, tmp_path):
    registry, version, sides = shelf
    assert registry.version(version.address).sha256 == sides[0].checkpoint.sha256
    for uri in ("models:/known@nosuch", "models:/known/9", "models:/nosuch/1"):
        with pytest.raises(ConfigError, match="must be in sqlite"):
            registry.version(uri)
    with pytest.raises(ConfigError, match="must be models:/NAME@ALIAS"):
        registry.version("models:/known")
    with pytest.raises(ConfigError, match="must be in sqlite"):
        registry.result("runs:/0123456789abcdef0123456789abcdef", tmp_path)


def test_a_run_of_something_else_is_no_baseline(shelf, tmp_path):
    registry = shelf[0]
    run = registry.store.client().create_run("0").info.run_id
    with pytest.raises(ConfigError, match="must be an arm run of acn-eval"):
        registry.result(f"runs:/{run}", tmp_path)


def run_at(store, place):
    """The address of a run whose files are said to lie at a place."""
    client = store.client()
    made = client.create_experiment(place.replace("/", "-"), artifact_location=place)
    return f"runs:/{client.create_run(made).info.run_id}"


def test_a_run_that_lies_on_another_server_is_not_asked_for(shelf, tmp_path):
    """The other server would be sent the password of the store."""
    registry = shelf[0]
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"http://127.0.0.1:{other.getsockname()[1]}/api/2.0/mlflow-artifacts/artifacts"
        with pytest.raises(ConfigError, match="must lie on the server of the store"):
            registry.result(run_at(registry.store, address), tmp_path)
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            other.accept()


def test_a_run_lies_where_the_process_may_read(shelf, tmp_path):
    registry, _, sides = shelf
    uri = run_at(registry.store, tmp_path.as_uri())
    sides[0].save(tmp_path).rename(tmp_path / "saved")
    (tmp_path / uri.removeprefix("runs:/")).mkdir()
    (tmp_path / "saved").rename(tmp_path / uri.removeprefix("runs:/") / "artifacts")
    assert registry.result(uri, tmp_path / "free").key == sides[0].key
    with confined(Sources()), pytest.raises(CheckpointError, match="must lie in the store's own"):
        registry.result(uri, tmp_path / "confined")
    assert not (tmp_path / "confined").exists()
