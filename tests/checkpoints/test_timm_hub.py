"""``timm:NAME`` and ``timm:NAME@FILE``."""

import os
import resource
import subprocess
import sys
import time

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image, ImageFilter

from acn_eval.checkpoints import load, reframed
from acn_eval.data import open_examples
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
    images = checkpoint.prepare.normalize(pictures(checkpoint))
    with torch.no_grad():
        assert torch.equal(checkpoint.model(images), model(images))
        assert len(checkpoint.model.exits(images)) == len(model.blocks) + 1
    assert checkpoint.classes == tuple("01234")
    assert checkpoint.id.uri == f"timm:{NAME}@{file}"
    assert checkpoint.id.name == NAME
    assert checkpoint.id.arch["name"] == NAME
    assert checkpoint.prepare.spec.size == model.default_cfg["input_size"][1]
    assert checkpoint.prepare.mean == tuple(model.default_cfg["mean"])


def folder(path, n=24):
    """Noise of 24 odd sizes in two classes."""
    generator = np.random.default_rng(0)
    for i in range(n):
        height, width = generator.integers(40, 400, 2)
        pixels = generator.integers(0, 256, (height, width, 3), np.uint8)
        smooth = Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(2))
        (path / "val" / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        smooth.save(path / "val" / "ab"[i % 2] / f"{i:02}.png")
    return path


@pytest.mark.parametrize(
    "changed", [{}, {"crop_pct": 0.7, "crop_mode": "squash", "interpolation": "lanczos"}]
)
def test_pictures_and_predictions_are_those_of_timms_own_pipeline(tmp_path, model, changed):
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    checkpoint = load(f"timm:{NAME}@{tmp_path / 'weights.pt'}")
    checkpoint = reframed(checkpoint, changed) if changed else checkpoint
    examples = open_examples(f"folder:{folder(tmp_path)}", "test")
    config = timm.data.resolve_model_data_config(model) | changed
    theirs = timm.data.create_transform(**config)
    paths = sorted((tmp_path / "val").rglob("*.png"))
    wanted = torch.stack([theirs(Image.open(path).convert("RGB")) for path in paths])
    pixels = examples.read(np.arange(len(examples)), checkpoint.prepare.spec)
    images = checkpoint.prepare.normalize(pixels.float() / 255)
    assert torch.equal(images, wanted)
    with torch.no_grad():
        assert torch.equal(checkpoint.model(images), model(wanted))
    facts = checkpoint.id.preprocessing
    assert facts["interpolation"] == f"{config['interpolation']} of Pillow"
    assert (facts["crop_pct"], facts["crop_mode"]) == (config["crop_pct"], config["crop_mode"])


def test_a_filter_that_is_drawn_is_refused(tmp_path, model, monkeypatch):
    file = tmp_path / "weights.pt"
    torch.save(model.state_dict(), file)
    config = {**timm.data.resolve_model_data_config(model), "interpolation": "random"}
    monkeypatch.setattr(timm.data, "resolve_model_data_config", lambda model: config)
    assert "interpolation must be nearest, " in refusal(f"timm:{NAME}@{file}")
    file.with_suffix(".card.yaml").write_text(f"model: timm:{NAME}\ninterpolation: box\n")
    assert load(f"timm:{NAME}@{file}").id.preprocessing["interpolation"] == "box of Pillow"


def test_what_reads_no_squares_is_refused(tmp_path, model, monkeypatch):
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    config = {**timm.data.resolve_model_data_config(model), "input_size": (3, 160, 96)}
    monkeypatch.setattr(timm.data, "resolve_model_data_config", lambda model: config)
    assert "160 x 96" in refusal(f"timm:{NAME}@{tmp_path / 'weights.pt'}")


def test_weights_that_would_make_a_large_network_are_refused_before_it_is_built(tmp_path, model):
    state = {**model.state_dict(), "head.bias": torch.zeros(2**22)}
    torch.save(state, tmp_path / "a.pt")
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "head.weight" in refusal(f"timm:{NAME}@{tmp_path / 'a.pt'}")
    assert "cls_token" in refusal(f"timm:vit_giant_patch14_224@{tmp_path / 'a.pt'}")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start < 300 * 1024
    torch.save({**state, "head.bias": torch.tensor(1.0)}, tmp_path / "b.pt")
    assert "one per class" in refusal(f"timm:{NAME}@{tmp_path / 'b.pt'}")


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
    assert "`arch`" in refusal(f"timm:{NAME}", "official/ac-mixer")


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
    assert "pretrained weights must be downloadable" in said
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
