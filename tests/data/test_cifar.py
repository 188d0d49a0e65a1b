"""CIFAR: files that are what they say, read in the layout of torchvision."""

import hashlib
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from acn_eval.data import Geometry, channel_moments, open_examples, torchvision_module
from tests.data.sources import images_of, refusal


@pytest.mark.parametrize("strange", ["pipe", "endless", "dangling"])
def test_what_cannot_be_read_to_its_end_is_no_cifar10(tmp_path, strange):
    file = tmp_path / "cifar-10-batches-py" / "data_batch_1"
    file.parent.mkdir()
    if strange == "pipe":
        os.mkfifo(file)
    elif strange == "endless":
        file.touch()
        os.truncate(file, 2**40)
    else:
        file.symlink_to(tmp_path / "nowhere")
    assert "damaged or incomplete" in refusal("cifar10", tmp_path)


def test_a_folder_that_is_no_cifar10_is_refused(tmp_path):
    batches = tmp_path / "cifar-10-batches-py"
    batches.mkdir()
    assert "damaged or incomplete" in refusal("cifar10", tmp_path)
    content = {"data": np.zeros((2, 3072), np.uint8), "labels": [0, 1], "label_names": ["a"]}
    for name in ("test_batch", "batches.meta", *(f"data_batch_{i}" for i in range(1, 6))):
        (batches / name).write_bytes(pickle.dumps(content))
    said = refusal("cifar10", tmp_path)
    assert "damaged or incomplete" in said
    assert "as `root`, or with ACN_EVAL_DATA" in said


def test_cifar100_is_read_in_the_layout_of_torchvision(tmp_path, monkeypatch):
    """The real files would have the published digests; here they are those of four pictures."""
    datasets = torchvision_module("torchvision.datasets", "cifar100").CIFAR100
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (4, 3072), dtype=np.uint8)
    folder = tmp_path / "cifar-100-python"
    folder.mkdir()
    names = ["apple", "bear"]
    batch = {"data": pixels, "fine_labels": [1, 0, 1, 1], "coarse_labels": [0, 0, 0, 0]}
    files = {"train": batch, "test": batch, "meta": {"fine_label_names": names}}
    for name, content in files.items():
        (folder / name).write_bytes(pickle.dumps(content))
    assert "damaged or incomplete" in refusal("cifar100", tmp_path)

    def digest(name):
        return hashlib.md5((folder / name).read_bytes()).hexdigest()

    monkeypatch.setattr(datasets, "train_list", [["train", digest("train")]])
    monkeypatch.setattr(datasets, "test_list", [["test", digest("test")]])
    monkeypatch.setattr(datasets, "meta", {**datasets.meta, "md5": digest("meta")})
    examples = open_examples("cifar100", "test", tmp_path)
    assert (examples.name, examples.classes) == ("cifar100", ("apple", "bear"))
    assert examples.labels.tolist() == [1, 0, 1, 1]
    read = examples.read(np.arange(4), Geometry(32, 3)).numpy()
    assert np.array_equal(read, pixels.reshape(4, 3, 32, 32))


class Touches:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.system, (f"touch {self.target}",)


def test_a_batch_that_would_run_code_is_not_unpickled(tmp_path):
    batches = tmp_path / "cifar-10-batches-py"
    batches.mkdir()
    for name in ("test_batch", "batches.meta", *(f"data_batch_{i}" for i in range(1, 6))):
        (batches / name).write_bytes(pickle.dumps(Touches(tmp_path / "touched")))
    refusal("cifar10", tmp_path)
    assert not (tmp_path / "touched").exists()


def test_a_download_without_internet_fails_at_once(tmp_path):
    """In a process of its own whose proxy is a closed port."""
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from acn_eval.data import open_examples\n"
        "from acn_eval.errors import DataError\n"
        "import torchvision.datasets\n"
        "start = time.monotonic()\n"
        "try:\n"
        "    open_examples('cifar10', 'test', Path(sys.argv[1]))\n"
        "except DataError as exc:\n"
        "    print(time.monotonic() - start, exc)\n"
    )
    closed = "http://127.0.0.1:9"
    environment = {k: v for k, v in os.environ.items() if k.lower() != "no_proxy"}
    environment |= {name: closed for name in ("http_proxy", "https_proxy")}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, said = done.stdout.split(" ", 1)
    assert float(seconds) < 20
    assert "the download failed" in said
    assert "ACN_EVAL_DATA" in said
    assert len(said.strip().splitlines()) == 1


@pytest.mark.skipif("ACN_EVAL_DATA" not in os.environ, reason="ACN_EVAL_DATA")
def test_cifar10():
    root = Path(os.environ["ACN_EVAL_DATA"])
    if not (root / "cifar-10-batches-py").is_dir():
        pytest.skip("ACN_EVAL_DATA has no cifar-10-batches-py")
    train, validation, test = (
        open_examples("cifar10", s) for s in ("train", "validation", "test")
    )
    assert len(test) == 10_000
    assert sorted([*train.ids, *validation.ids]) == list(range(50_000))
    assert len(validation) == pytest.approx(5_000, abs=200)
    assert np.bincount(test.labels).tolist() == [1000] * 10
    assert test.classes[3] == "cat"
    batch = pickle.loads((root / "cifar-10-batches-py/test_batch").read_bytes(), encoding="bytes")
    wanted = batch[b"data"].reshape(-1, 3, 32, 32)
    assert np.array_equal(test.read(np.arange(50), Geometry(32, 3)), wanted[:50])
    assert test.labels.tolist() == batch[b"labels"]
    # The published moments stand, and they are true to two digits or so.
    known = channel_moments(train, Geometry(32, 3))
    assert known == ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))
    images = images_of(train.keyed(4000), Geometry(32, 3))
    assert known[0] == pytest.approx(images.mean((0, 2, 3)), abs=0.01)
    assert known[1] == pytest.approx(images.std((0, 2, 3)), abs=0.01)
