"""What a file or folder is, of every kind that somebody calls a model; none of it runs."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from acn_eval.checkpoints.recognize import recognize
from acn_eval.errors import CheckpointError
from tests.checkpoints.bert_folders import saved
from tests.checkpoints.files import official_file, written
from tests.checkpoints.library_files import with_card


class Marks:
    """Touches a file when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (Path(self.marker),)


def network():
    return nn.Sequential(nn.Flatten(), nn.Linear(4, 2))


def exported(path):
    torch.export.save(torch.export.export(network(), (torch.ones(1, 4),)), path)


def traced(path):
    torch.jit.save(torch.jit.trace(network(), torch.ones(1, 4)), path)


def flavored(path):
    path.mkdir()
    (path / "MLmodel").write_text("flavors:\n  python_function:\n    loader_module: evil\n")


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_checkpoint_of_ours_is_known_in_both_formats(tmp_path, suffix):
    path = written(tmp_path / f"a{suffix}")
    assert recognize(path).what == "a checkpoint of acn-eval"
    assert recognize(path).uri == str(path)


def test_weights_without_a_card_show_their_tensors(tmp_path):
    state = network().state_dict()
    safetensors.torch.save_file(state, tmp_path / "a.safetensors")
    torch.save(state, tmp_path / "b.pt")
    torch.save({"epoch": 3, "model": state, "optimizer": {"lr": 0.1}}, tmp_path / "c.pth")
    torch.save({"state_dict": {f"module.{k}": v for k, v in state.items()}}, tmp_path / "d.ckpt")
    torch.save(state, tmp_path / "e.pt", _use_new_zipfile_serialization=False)
    for path in sorted(tmp_path.iterdir()):
        seen = recognize(path)
        assert seen.shapes == {"1.weight": (2, 4), "1.bias": (2,)}, path
        assert (seen.uri, seen.refused) == ("", "")


def test_a_card_beside_weights_is_found(tmp_path):
    path = with_card(tmp_path / "net.pth")
    seen = recognize(path)
    assert (seen.what, seen.uri) == (
        "weights with a card beside them, timm:vit_tiny_patch16_224",
        str(path),
    )


def test_files_of_the_authors_say_which_networks_they_may_be(tmp_path):
    assert recognize(official_file(tmp_path / "best.pth.tar")).archs == (
        *("official/ac-mixer", "official/res-mixer"),
    )


def test_a_folder_of_hugging_face_is_known_by_itself_and_by_its_weights(tmp_path):
    saved(tmp_path / "bert")
    assert recognize(tmp_path / "bert" / "model.safetensors") == recognize(tmp_path / "bert")
    assert recognize(tmp_path / "bert").what == "a folder of Hugging Face, model_type 'bert'"
    assert recognize(tmp_path / "bert").uri == f"hf:{tmp_path / 'bert'}"


MADE = {
    "network.pt": (lambda path: torch.save(network(), path), "a pickle of a whole network"),
    "marks.pt": (lambda path: torch.save(Marks(f"{path}.ran"), path), "a pickle of a whole"),
    "marks.pkl": (lambda path: path.write_bytes(pickle.dumps(Marks(f"{path}.ran"))), "a pickle"),
    "export.pt2": (exported, "an export of torch.export"),
    "script.pt": (traced, "a TorchScript program"),
    "logged": (flavored, "a model that MLflow saved (python_function)"),
    "empty": (lambda path: path.mkdir(), "a folder without config.json or MLmodel"),
    "words.txt": (lambda path: path.write_text("hello"), "an unknown file"),
    "arrays.npz": (lambda path: np.savez(path, a=np.ones(3)), "an archive that torch did not"),
    "epochs.pt": (
        lambda path: torch.save({"epoch": 3}, path),
        "a file of torch.save with 'epoch'",
    ),
}


@pytest.mark.parametrize("name", MADE)
def test_what_is_no_weights_is_named_and_not_run(tmp_path, name):
    make, what = MADE[name]
    make(tmp_path / name)
    seen = recognize(tmp_path / name)
    assert seen.what.startswith(what)
    assert (seen.uri, dict(seen.tensors)) == ("", {})
    assert seen.refused
    assert not (tmp_path / f"{name}.ran").exists()


def test_the_marker_would_be_there_if_it_ran(tmp_path):
    pickle.loads(pickle.dumps(Marks(tmp_path / "ran")))
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"PK\x03\x04", b"PK\x03\x04" + bytes(200)])
def test_a_damaged_archive_is_said_to_be(tmp_path, content):
    (tmp_path / "a.pt").write_bytes(content)
    with pytest.raises(CheckpointError, match="must be a complete archive"):
        recognize(tmp_path / "a.pt")


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(CheckpointError, match="must be a readable file"):
        recognize(tmp_path / "gone.pt")
