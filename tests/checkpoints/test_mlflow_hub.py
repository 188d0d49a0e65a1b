"""Checkpoints that a real MLflow store holds."""

import shutil

import pytest
import torch

from acn_eval.checkpoints import load
from acn_eval.errors import CheckpointError, ConfigError
from acn_eval.stores.artifacts import Absent
from tests.checkpoints.bert_folders import saved
from tests.checkpoints.files import pictures, written
from tests.checkpoints.library_files import with_card
from tests.stores.shelves import client_in, logged, registered, shelved


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """(folder of the store, its client, folder of the files)."""
    folder, files = tmp_path_factory.mktemp("shelf"), tmp_path_factory.mktemp("files")
    written(files / "ours.pt")
    with_card(files / "net.safetensors", data="letters")
    return folder, client_in(folder), files


@pytest.fixture
def within(shelf, monkeypatch):
    monkeypatch.chdir(shelf[0])
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return shelf


def logits(uri, **options):
    checkpoint = load(str(uri), **options)
    with torch.no_grad():
        return checkpoint.model(checkpoint.prepare.normalize(pictures(checkpoint)))


def test_a_version_is_its_file(within):
    _, client, files = within
    uri = shelved(client, "ours", files / "ours.pt")
    found, file = load(uri), load(str(files / "ours.pt"))
    assert torch.equal(logits(uri), logits(files / "ours.pt"))
    assert found.id.sha256 == file.id.sha256
    assert (found.id.uri, found.id.name) == (uri, "ours_v1")
    assert found.pair is None


def test_an_alias_is_recorded_as_the_version_that_it_names(within):
    _, client, files = within
    uris = [shelved(client, "net", files / "net.safetensors", files / "net.card.yaml")] * 2
    client.set_registered_model_alias("net", "champion", "1")
    found = load("models:/net@champion")
    assert found.id.uri == uris[0] == "models:/net/1"
    assert found.data == "letters"
    assert torch.equal(logits("models:/net@champion"), logits(files / "net.safetensors"))


def test_a_run_s_file_is_found_with_its_card_and_so_is_a_version_of_one_file(within):
    _, client, files = within
    everything = files / "net.safetensors", files / "net.card.yaml", files / "ours.pt"
    run = logged(client, everything, "a/b")
    uri = f"runs:/{run}/a/b/net.safetensors"
    assert load(uri).id.name == "net"
    assert torch.equal(logits(uri), logits(files / "net.safetensors"))
    one = registered(client, "one", f"runs:/{run}/a/b/ours.pt")
    assert torch.equal(logits(one), logits(files / "ours.pt"))
    with pytest.raises(CheckpointError, match=r"must hold one checkpoint.* Name one: runs:/ID"):
        load(f"runs:/{run}/a")


def test_a_folder_of_transformers_is_found_below(within, tmp_path):
    saved(tmp_path / "bert")
    uri = shelved(within[1], "bert", tmp_path)
    assert load(uri).id.sha256 == load(f"hf:{tmp_path / 'bert'}").id.sha256


def test_the_store_is_the_argument_s(within, tmp_path, monkeypatch):
    folder, client, files = within
    uri = shelved(client, "elsewhere", files / "ours.pt")
    store = f"sqlite:///{folder / 'mlflow.db'}"
    monkeypatch.chdir(tmp_path)
    assert load(uri, tracking_uri=store).id.uri == uri
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    assert load(uri).id.uri == uri


def test_what_lies_beside_weights_by_their_name_is_no_second_checkpoint(within, tmp_path):
    weights = with_card(tmp_path / "net.safetensors")
    for suffix in (".pth", ".txt", ".json"):
        weights.with_suffix(suffix).write_bytes(b"{}")
    uri = shelved(within[1], "beside", *tmp_path.iterdir())
    assert load(uri).id.sha256 == load(str(weights)).id.sha256


def test_what_is_not_there(within):
    _, client, files = within
    run = logged(client, [files / "ours.pt"])
    for uri, said in {
        "models:/nosuch/1": "must be in sqlite",
        "models:/nosuch@best": "must be in sqlite",
        "models:/nosuch": "must be models:/NAME@ALIAS",
        "runs:/0123": "must be in sqlite",
        "runs:": "runs:/ID/PATH",
    }.items():
        with pytest.raises(ConfigError, match=said):
            load(uri)
    for uri in (f"runs:/{run}/theirs.pt", shelved(client, "empty")):
        with pytest.raises(Absent, match=r"must hold one checkpoint.* got no files"):
            load(uri)


def test_a_damaged_file_is_named_by_its_address(within, tmp_path):
    shutil.copy(within[2] / "net.card.yaml", tmp_path / "cut.card.yaml")
    content = (within[2] / "net.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(content[:-100])
    uri = shelved(within[1], "cut", *tmp_path.iterdir())
    with pytest.raises(CheckpointError, match=f"^{uri}/cut.safetensors: must be a safe"):
        load(uri)


def test_a_version_that_a_gate_registered_is_the_file_that_it_measured(within, tmp_path):
    _, client, files = within
    (tmp_path / "result.json").write_text("{}")
    kept = written(tmp_path / "kept.pt")
    uri = shelved(client, "measured", tmp_path / "result.json")
    for name, value in {"uri": kept, "sha256": load(str(kept)).id.sha256}.items():
        client.set_model_version_tag("measured", "1", f"acn_eval.{name}", str(value))
    assert load(uri).id.name == "kept"
    with_card(tmp_path / "other.safetensors")
    client.set_model_version_tag("measured", "1", "acn_eval.uri", str(files / "net.safetensors"))
    with pytest.raises(CheckpointError, match="it has changed"):
        load(uri)


def test_a_recorded_address_never_runs_code(within, tmp_path):
    (tmp_path / "own.py").write_text(f"open({str(tmp_path / 'marker')!r}, 'w')\n")
    uri = shelved(within[1], "code", within[2] / "ours.pt")
    client = within[1]
    client.set_model_version_tag("code", "1", "acn_eval.uri", f"module:{tmp_path}/own.py:make")
    client.set_model_version_tag("code", "1", "acn_eval.sha256", "0" * 64)
    with pytest.raises(CheckpointError, match="must be a checkpoint file"):
        load(uri)
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize(
    ("file", "sha256"),
    [("{ours}", ""), ("{ours}", "ours"), ("hf:{folder}", "0" * 64), ("timm:resnet18", "0" * 64)],
)
def test_a_recorded_address_is_a_file_with_its_sha256(within, file, sha256):
    """A server may not have addresses loaded: `load` is not asked."""
    _, client, files = within
    uri = shelved(client, "sent", files / "ours.pt")
    version = uri.rpartition("/")[2]
    place = file.format(ours=files / "ours.pt", folder=files)
    for name, value in {"uri": place, "sha256": sha256}.items():
        client.set_model_version_tag("sent", version, f"acn_eval.{name}", value)
    with pytest.raises(CheckpointError, match=r"must (state the sha256|be a checkpoint file)"):
        load(uri)
