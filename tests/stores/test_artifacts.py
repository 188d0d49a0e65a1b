"""What a listing of MLflow may hold."""

import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import (
    INVALID_PARAMETER_VALUE,
    RESOURCE_DOES_NOT_EXIST,
    TEMPORARILY_UNAVAILABLE,
)

from acn_eval.errors import CheckpointError, ConfigError, TrackingError
from acn_eval.stores import resolve_store
from acn_eval.stores.artifacts import Absent, Artifacts, artifacts_of
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
        (("a.pt", False, -5), "must state the size of a.pt"),
        ((".", True, None), "must list its own files"),
        (("./a.pt", False, 3), "must list its own files"),
        (("b/a.pt", False, 3), "must list its own files"),
        (("a", True, None), "must list its own files"),  # a folder that holds itself
    ],
)
def test_hostile_listings(held, said):
    with pytest.raises(CheckpointError, match=said):
        _ = listing(*[held] * 3).sizes


def test_a_listing_of_too_many_files():
    with pytest.raises(CheckpointError, match="must hold at most 1000 files"):
        _ = listing(*[(f"{i}.pt", False, 3) for i in range(1001)]).sizes


@pytest.mark.parametrize(
    "source",
    [
        "http://[x",
        "http://127.0.0.1:9/x",
        "http://127.0.0.1:9/api/2.0/mlflow-artifacts/artifacts/x",
        "mlflow-artifacts:/x",
        "ftp://h:bad/x",
        "ftp://127.0.0.1:9/x",
        "hdfs://h/x",
        "b2://x",
        "oss://x",
        "\x00",
    ],
)
def test_places_that_are_none_or_not_the_store_s(tmp_path, source):
    client, store = client_in(tmp_path), resolve_store(None, cwd=tmp_path)
    registered(client, "bad", "file:///nowhere")
    placed = SimpleNamespace(
        get_model_version=client.get_model_version,
        get_model_version_download_uri=lambda name, version: source,
    )
    with pytest.raises((CheckpointError, ConfigError)):
        artifacts_of(placed, store, "models:/bad/1")


def _fetched(client, store, uri, folder):
    found = artifacts_of(client, store, uri)
    found.fetch(found.sizes, folder)


@pytest.mark.parametrize(
    ("kind", "error"),
    [("a pipe", TrackingError), ("a dangling link", Absent), ("a link out", CheckpointError)],
)
def test_files_that_are_none(tmp_path, kind, error):
    client, store = client_in(tmp_path), resolve_store(None, cwd=tmp_path)
    (tmp_path / "x").touch()
    run = logged(client, [tmp_path / "x"])
    own = Path(client.get_run(run).info.artifact_uri.removeprefix("file://")) / "net.pt"
    if kind == "a pipe":
        os.mkfifo(own)
    else:
        own.symlink_to("/etc/passwd" if kind == "a link out" else "nowhere")
    with pytest.raises(error, match="must hold files that can be read"):
        _fetched(client, store, f"runs:/{run}", own.parents[1])


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), TrackingError),
        (PermissionError(errno.EACCES, "Permission denied"), TrackingError),
        (MlflowException("it is busy", TEMPORARILY_UNAVAILABLE), TrackingError),
        (FileNotFoundError(errno.ENOENT, "No such file"), Absent),
        (MlflowException("there is none", RESOURCE_DOES_NOT_EXIST), Absent),
        (MlflowException("it leads out", INVALID_PARAMETER_VALUE), CheckpointError),
        (ValueError("no listing"), CheckpointError),
    ],
)
def test_a_store_that_is_away_is_not_the_fault_of_its_files(tmp_path, raised, error):
    def fail(*arguments):
        raise raised

    listed, away = listing(("a.pt", False, 3)), listing()
    listed.repository.download_artifacts = away.repository.list_artifacts = fail
    for ask in (lambda: away.sizes, lambda: listed.fetch({"a.pt": 3}, tmp_path)):
        with pytest.raises(
            error, match=r"^models:/a/1: must hold files that can be read"
        ) as caught:
            ask()
        assert caught.type is error


def test_a_file_has_a_limit_before_it_is_downloaded(tmp_path):
    with pytest.raises(
        CheckpointError, match=r"models:/a/1: a\.pt must have at most 1 MiB; got 2"
    ):
        listing(("a.pt", False, 2**21)).fetch({"a.pt": 2**20}, tmp_path)


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
