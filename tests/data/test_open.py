"""From names to examples, channel moments, and a torchvision that is broken."""

import sys
import time
from pathlib import Path

import numpy as np
import pytest

from acn_eval.data import Geometry, channel_moments, data_root, open_examples, torchvision_module
from acn_eval.errors import DataError
from tests.data.sources import images_of, refusal


@pytest.mark.parametrize("name", ["", "mnist", "digits:x", "npz:", "folder", "npz", "Digits"])
def test_an_unknown_name_gets_the_known_ones(name):
    said = refusal(name)
    assert "digits, cifar10, cifar100, npz:PATH, folder:PATH" in said
    assert repr(name) in said


def test_where_data_lie(monkeypatch, tmp_path):
    monkeypatch.delenv("ACN_EVAL_DATA", raising=False)
    assert data_root() == Path("data")
    monkeypatch.setenv("ACN_EVAL_DATA", str(tmp_path))
    assert data_root() == tmp_path
    assert data_root(tmp_path / "given") == tmp_path / "given"
    monkeypatch.setenv("ACN_EVAL_DATA", "")
    assert data_root() == Path("data")


@pytest.mark.parametrize("geometry", [Geometry(8, 1), Geometry(8, 3), Geometry(16, 1)])
def test_channel_moments_are_numpys(geometry):
    examples = open_examples("digits", "train")
    mean, std = channel_moments(examples, geometry)
    images = images_of(examples, geometry)
    assert mean == tuple(images.mean((0, 2, 3)).round(4))
    assert std == tuple(images.std((0, 2, 3)).round(4))


def test_moments_of_several_chunks_and_of_colours(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2500, 3, 3, 3), dtype=np.uint8)
    images[..., 2] //= 3
    np.savez(tmp_path / "a.npz", images=images, labels=np.arange(2500) % 2)
    mean, std = channel_moments(open_examples(f"npz:{tmp_path}/a.npz"), Geometry(3, 3))
    assert mean == pytest.approx((images / 255).mean((0, 1, 2)), abs=5.1e-5)
    assert std == pytest.approx((images / 255).std((0, 1, 2)), abs=5.1e-5)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("level", [0, 77, 255])
def test_pictures_without_contrast_cannot_be_normalised(tmp_path, level):
    images = np.full((3, 4, 4), level, dtype=np.uint8)
    np.savez(tmp_path / "a.npz", images=images, labels=np.arange(3))
    examples = open_examples(f"npz:{tmp_path}/a.npz")
    for part in (examples, examples.at(np.arange(0))):
        with pytest.raises(DataError, match="must differ"):
            channel_moments(part, Geometry(4, 1))


@pytest.mark.parametrize(
    "broken",
    [
        "raise RuntimeError('operator torchvision::nms does not exist')",
        "raise ImportError('libcudart.so.12: cannot open shared object file')",
        "raise OSError('undefined symbol\\n  in _C.so')",
    ],
)
def test_a_broken_torchvision_is_one_line_that_names_it(tmp_path, monkeypatch, broken):
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text(broken)
    for name in [n for n in sys.modules if n.split(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    start = time.monotonic()
    said = refusal("cifar10", tmp_path)
    assert said.startswith("cifar10: torchvision must be importable; got ")
    assert "pip install" in said
    with pytest.raises(DataError, match=r"^augment\.cutmix: torchvision must be importable"):
        torchvision_module("torchvision.transforms.v2", "augment.cutmix")
    assert time.monotonic() - start < 10


def test_training_says_the_same_of_a_broken_torchvision(tmp_path, monkeypatch):
    from acn_eval.training.batches import Augment, augmented

    for name in [n for n in sys.modules if n.split(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torchvision", None)
    examples = open_examples("digits", "train")
    for augment in (Augment(cutmix=1.0), Augment(auto_augment=True)):
        with pytest.raises(DataError, match="torchvision must be importable"):
            augmented(examples, np.arange(4), Geometry(8, 1), augment, 0)
