"""Folders of the hub: from its cache, or one line about what is missing."""

import sys

import pytest
from huggingface_hub import constants

from acn_eval.checkpoints import load
from acn_eval.checkpoints.downloads import hub_folder, reachable
from acn_eval.errors import CheckpointError, MissingExtra
from tests.checkpoints.files import refusal
from tests.checkpoints.foreign_models import SAVED

NAME = "owner/small-vit"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of the hub, whose server does not answer."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


def cached(cache, without=()):
    """Fill the cache as a download does: a snapshot by commit, and the branch that names it."""
    repository = cache / f"models--{NAME.replace('/', '--')}"
    snapshot = repository / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    saved = SAVED["hf vit"](snapshot)
    for name in without:
        (snapshot / name).unlink()
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    return saved


def test_a_name_in_the_cache_needs_no_internet(cache):
    saved = cached(cache)
    checkpoint = load(f"hf:{NAME}")
    assert checkpoint.id.uri == f"hf:{NAME}"
    assert checkpoint.id.name == "small-vit"
    assert checkpoint.id.sha256 == load(saved.uri).id.sha256


def test_a_name_that_is_not_in_the_cache_is_one_line(cache):
    said = refusal(f"hf:{NAME}")
    assert "there is no internet" in said
    assert "Bring config.json, model.safetensors, preprocessor_config.json" in said


def test_a_cache_without_weights_is_not_enough(cache):
    cached(cache, without=["model.safetensors"])
    assert "there is no internet" in refusal(f"hf:{NAME}")


def test_a_folder_is_never_asked_of_the_hub(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "owner" / "small-vit").mkdir(parents=True)
    assert str(hub_folder(NAME, "hf:x")) == NAME
    assert str(hub_folder("nowhere", "hf:x")) == "nowhere"
    assert str(hub_folder("/a/b", "hf:x")) == "/a/b"
    with pytest.raises(MissingExtra, match=r"acn-eval\[hf\]"):
        hub_folder("owner/other", "hf:owner/other")


def test_a_server_that_does_not_exist_is_not_reachable(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    assert not reachable("https://nowhere.invalid/a")
    monkeypatch.setenv("HTTPS_PROXY", "http://localhost:1")
    assert reachable("https://nowhere.invalid/a")


def test_a_failed_download_is_one_line(cache, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr("acn_eval.checkpoints.downloads.reachable", lambda url: True)
    monkeypatch.setattr("huggingface_hub.snapshot_download", _broken)
    with pytest.raises(CheckpointError, match="the line broke"):
        hub_folder(NAME, f"hf:{NAME}")


def _broken(name, local_files_only=False, **kwargs):
    from huggingface_hub.errors import LocalEntryNotFoundError

    raise LocalEntryNotFoundError("no") if local_files_only else OSError("the line broke")
