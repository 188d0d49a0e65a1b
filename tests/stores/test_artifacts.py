"""What a listing of MLflow may hold."""

from types import SimpleNamespace

import pytest

from acn_eval.errors import CheckpointError, ConfigError
from acn_eval.stores import resolve_store
from acn_eval.stores.artifacts import Artifacts, artifacts_of
from tests.stores.shelves import client_in, logged, registered


def listing(*held):
    """A server that lists the same whatever it is asked."""
    infos = [SimpleNamespace(path=p, is_dir=d, file_size=s) for p, d, s in held]
    return Artifacts("models:/a/1", "a", SimpleNamespace(list_artifacts=lambda path: infos))


def test_sizes_by_path_of_all_folders(tmp_path):
    client = client_in(tmp_path)
    (tmp_path / "a.txt").write_text("abc")
    run = logged(client, [tmp_path / "a.txt"], "b/c")
    client.log_artifact(run, str(tmp_path / "a.txt"))
    found = artifacts_of(client, resolve_store(None, cwd=tmp_path), f"runs:/{run}")
    assert found.sizes == {"a.txt": 3, "b/c/a.txt": 3}


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (("../a.pt", False, 3), "must list its own files"),
        (("/etc/a.pt", False, 3), "must list its own files"),
        (("a/b/c/d/e/a.pt", False, 3), "must list its own files"),
        (("a.pt", False, None), "must state the size of a.pt"),
        (("a", True, None), "must hold at most 1000 files"),  # a folder that holds itself
    ],
)
def test_hostile_listings(held, said):
    with pytest.raises(CheckpointError, match=said):
        _ = listing(*[held] * 3).sizes


def test_a_version_that_points_to_itself_is_refused(tmp_path):
    client = client_in(tmp_path)
    registered(client, "loop", "file:///nowhere")
    store = resolve_store(None, cwd=tmp_path)
    looping = SimpleNamespace(
        get_model_version=client.get_model_version,
        get_model_version_download_uri=lambda name, version: "models:/loop/1",
    )
    with pytest.raises(ConfigError, match="it points to another address"):
        artifacts_of(looping, store, "models:/loop/1")
