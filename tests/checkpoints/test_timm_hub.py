"""``timm:NAME`` and ``timm:NAME@FILE``."""

import os
import subprocess
import sys
import time

import pytest
import safetensors.torch
import torch

from acn_eval.checkpoints import load
from acn_eval.errors import MissingExtra
from tests.checkpoints.files import pictures, refusal
from tests.models.networks import randomised

timm = pytest.importorskip("timm")
NAME = "test_vit"


@pytest.fixture(scope="module")
def model():
    return randomised(timm.create_model(NAME, num_classes=5), std=0.02)


@pytest.fixture(params=[".pt", ".safetensors", "wrapped.pth"])
def file(request, tmp_path, model):
    path = tmp_path / f"weights{request.param}"
    if path.suffix == ".safetensors":
        safetensors.torch.save_file(model.state_dict(), path)
    else:
        wrapped = request.param.startswith("wrapped")
        torch.save({"state_dict": model.state_dict()} if wrapped else model.state_dict(), path)
    return path


def test_local_weights_with_another_number_of_classes(file, model):
    checkpoint = load(f"timm:{NAME}@{file}")
    images = checkpoint.prepare.normalise(pictures(checkpoint))
    with torch.no_grad():
        assert torch.equal(checkpoint.model(images), model(images))
        assert len(checkpoint.model.exits(images)) == 1
    assert checkpoint.classes == tuple("01234")
    assert checkpoint.id.uri == f"timm:{NAME}@{file}"
    assert checkpoint.id.name == NAME
    assert checkpoint.id.arch["name"] == NAME
    assert checkpoint.prepare.geometry.size == model.default_cfg["input_size"][1]
    assert checkpoint.prepare.mean == tuple(model.default_cfg["mean"])


def test_damaged_weights(file):
    file.write_bytes(file.read_bytes()[:-3000])
    assert str(file) in refusal(f"timm:{NAME}@{file}")


def test_weights_of_another_model(file):
    assert NAME in refusal(f"timm:{NAME}2@{file}")
    assert "fc.bias" in refusal(f"timm:resnet10t@{file}")
    refusal(f"timm:deit_tiny_distilled_patch16_224@{file}")  # two classifiers


def test_names_and_files_that_are_not_there():
    assert "vit_huge" in refusal("timm:vit_huge_nothing")
    assert "foo" in refusal(f"timm:{NAME}.foo")
    assert "foo" in refusal(f"timm:{NAME}.foo@weights.pt")
    assert "there is none" in refusal(f"timm:{NAME}@none.pt")
    refusal("timm:")


def test_a_name_that_says_what_it_is_takes_no_arch():
    assert "--arch" in refusal(f"timm:{NAME}", "official/ac-mixer")


def test_pretrained_weights_without_internet_are_refused_at_once():
    """In a process of its own: whether the client is offline is decided when it is imported."""
    code = (
        "from acn_eval.checkpoints import load\n"
        "from acn_eval.errors import CheckpointError\n"
        "import time, timm\n"
        "start = time.monotonic()\n"
        "try:\n"
        f"    load('timm:{NAME}')\n"
        "except CheckpointError as exc:\n"
        "    assert exc.exit_code == 2\n"
        "    print(time.monotonic() - start, exc)\n"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": os.devnull}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    seconds, said = done.stdout.split(" ", 1)
    assert "pretrained weights could not be had" in said
    assert f"timm:{NAME}@FILE" in said
    assert float(seconds) < 20


def test_a_server_that_cannot_be_reached_is_given_up_soon(monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "https://nowhere.invalid")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    start = time.monotonic()
    assert "no internet" in refusal("timm:vit_base_patch16_224.dino")
    assert time.monotonic() - start < 20


def test_without_timm_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    said = refusal(f"timm:{NAME}", error=MissingExtra)
    assert said == f"timm:{NAME}: needs timm; pip install 'acn-eval[timm]'"
