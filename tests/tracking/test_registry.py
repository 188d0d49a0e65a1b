"""What an address points to, in a real registry."""

import pytest

from acn_eval.errors import ConfigError
from acn_eval.gate import decide
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
