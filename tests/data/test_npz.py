"""``npz:PATH``: arrays that are believed only after they were looked at."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from acn_eval.data import Geometry, open_examples
from tests.data.arrays import IMAGES, LABELS, RNG, refusal, save


def test_one_file_is_a_test_set(tmp_path):
    path = save(tmp_path / "set.npz")
    examples = open_examples(f"npz:{path}")
    assert examples.labels.tolist() == LABELS.tolist()
    assert examples.ids.tolist() == list(range(20))
    assert examples.classes == ("0", "1", "2", "3")
    read = examples.read(np.arange(20), Geometry(5, 3))
    assert np.array_equal(read[:, :, 0].permute(0, 2, 1), IMAGES[:, 0])
    assert "test set" in refusal(path, "train")


def test_greyscale_may_leave_out_the_channel(tmp_path):
    path = save(tmp_path / "set.npz", images=IMAGES[..., 0])
    examples = open_examples(f"npz:{path}")
    assert examples.inputs.shape() == (1, 6, 5)
    assert examples.inputs.images.shape == (20, 6, 5, 1)


def test_names_and_ids_of_its_own(tmp_path):
    ids = RNG.permutation(1000)[:20]
    path = save(tmp_path / "set.npz", ids=ids, classes=np.array(["a", "b", "c", "d", "e"]))
    examples = open_examples(f"npz:{path}")
    assert examples.ids.tolist() == ids.tolist()
    assert examples.classes == tuple("abcde")
    path = save(tmp_path / "bytes.npz", classes=np.array([b"a", b"b", b"c", b"d"]))
    assert open_examples(f"npz:{path}").classes == tuple("abcd")


def test_a_folder_has_splits(tmp_path):
    save(tmp_path / "set" / "train.npz", images=IMAGES.repeat(10, 0), labels=LABELS.repeat(10))
    save(tmp_path / "set" / "test.npz")
    name = f"npz:{tmp_path / 'set'}"
    train, validation, test = (open_examples(name, s) for s in ("train", "validation", "test"))
    assert len(test) == 20
    assert sorted([*train.ids, *validation.ids]) == list(range(200))
    assert 5 < len(validation) < 40
    save(tmp_path / "set" / "validation.npz", images=IMAGES[:5], labels=LABELS[:5])
    assert len(open_examples(name, "validation")) == 5
    assert len(open_examples(name, "train")) == 200
    assert len(open_examples(name, "test")) == 20


def test_a_folder_without_the_split(tmp_path):
    save(tmp_path / "set" / "train.npz")
    assert "test.npz" in refusal(tmp_path / "set")
    assert "no test.npz" in refusal(tmp_path / "empty")
    (tmp_path / "set" / "train.npz").rename(tmp_path / "set" / "test.npz")
    assert "no train.npz" in refusal(tmp_path / "set", "train")
    assert "no validation.npz" in refusal(tmp_path / "set", "validation")


def test_the_name_is_as_typed_and_the_same_data_elsewhere_are_the_same(tmp_path, monkeypatch):
    save(tmp_path / "toys.npz")
    absolute = open_examples(f"npz:{tmp_path}/toys.npz")
    rooted = open_examples("npz:toys.npz", root=tmp_path)
    monkeypatch.setenv("ACN_EVAL_DATA", str(tmp_path))
    by_environment = open_examples("npz:toys.npz")
    monkeypatch.chdir(tmp_path)
    here = open_examples("npz:toys.npz")
    assert {rooted.name, by_environment.name, here.name} == {"npz:toys.npz"}
    order = absolute.keyed().ids.tolist()
    for other in (rooted, by_environment, here):
        assert other.fingerprint == absolute.fingerprint
        assert other.keyed().ids.tolist() == order


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"images": None}, "images"),
        ({"labels": None}, "labels"),
        ({"images": IMAGES.astype(np.float32)}, "uint8"),
        ({"images": IMAGES.astype(np.int64)}, "uint8"),
        ({"images": IMAGES[0, 0]}, "uint8"),
        ({"images": IMAGES[..., :2]}, "channels"),
        ({"images": IMAGES.transpose(0, 3, 1, 2)}, "channels"),
        ({"images": IMAGES[:0], "labels": LABELS[:0]}, "images"),
        ({"images": IMAGES[:, :0]}, "must have pixels"),
        ({"labels": np.full(20, 2**64 - 1, np.uint64)}, "got 18446744073709551615"),
        ({"labels": np.full(20, 2**63, np.uint64)}, "got 9223372036854775808"),
        ({"labels": np.where(LABELS, LABELS, 2**62)}, "got 4611686018427387904"),
        ({"labels": np.where(LABELS, LABELS, -(2**63))}, "got -9223372036854775808"),
        ({"labels": LABELS > 1}, "integers"),
        ({"labels": np.where(LABELS, LABELS, np.nan)}, "integers"),
        ({"labels": LABELS.astype(complex)}, "integers"),
        ({"labels": LABELS.astype("M8[s]")}, "integers"),
        ({"labels": LABELS.astype(str)}, "integers"),
        ({"labels": LABELS.astype(object)}, "plain arrays"),
        ({"classes": np.arange(4) / 2}, "different names"),
        ({"classes": np.array([b"a", b"\xff", b"c", b"d"])}, "Unicode"),
        ({"classes": np.array(["a", "\ud800", "c", "d"])}, "Unicode"),
        ({"classes": np.frombuffer(b"\xff" * 16, "U1")}, "Unicode"),
        ({"classes": np.array(["x" * 1001, "b", "c", "d"])}, "different names"),
        ({"ids": np.arange(20, dtype=np.uint64) + 2**63}, "64 bits"),
        ({"labels": LABELS[:0]}, "20 integers, one per image"),
        ({"labels": LABELS[:19]}, "(19,)"),
        ({"labels": LABELS - 1}, "from 0"),
        ({"labels": LABELS.astype(float)}, "integers"),
        ({"labels": LABELS[:, None]}, "labels"),
        ({"labels": np.array(3)}, "labels"),
        ({"classes": np.array(["a", "b"])}, "below 2"),
        ({"classes": np.array(["a", "b", "c", "c"])}, "different names"),
        ({"classes": np.array("abcd")}, "different names"),
        ({"ids": np.zeros(20, int)}, "different integers"),
        ({"ids": np.arange(19)}, "20 different"),
        ({"ids": np.arange(20) / 2}, "integers"),
        ({"images": np.array([IMAGES[0]] * 20 + [None], dtype=object)[:20]}, "plain arrays"),
        ({"classes": np.array(["a", "b", "c", {}], dtype=object)}, "plain arrays"),
    ],
)
def test_arrays_that_are_something_else(tmp_path, changes, said):
    path = save(tmp_path / "set.npz", **changes)
    refused = refusal(path)
    assert said in refused
    assert "set.npz" in refused


def test_files_that_are_something_else(tmp_path):
    np.save(tmp_path / "one.npy", IMAGES)
    assert "single array" in refusal(tmp_path / "one.npy")
    (tmp_path / "empty.npz").touch()
    refusal(tmp_path / "empty.npz")
    (tmp_path / "text.npz").write_text("images")
    refusal(tmp_path / "text.npz")
    refusal(tmp_path / "none.npz")


def test_nobody_is_advised_to_unpickle(tmp_path):
    objects = np.array([None] * len(LABELS), dtype=object)
    np.savez(tmp_path / "objects.npz", images=IMAGES, labels=LABELS, classes=objects)
    (tmp_path / "text.pt").write_text("hello")
    (tmp_path / "plain.pt").write_bytes(pickle.dumps({"images": 1}))
    for name in ("objects.npz", "text.pt", "plain.pt"):
        said = refusal(tmp_path / name)
        assert "pickle" not in said
        assert said.endswith(
            f"{name} must be an .npz of plain arrays; it is something else, or damaged"
        )


@pytest.mark.skipif("ACN_EVAL_DATA" not in os.environ, reason="ACN_EVAL_DATA")
def test_cifar100():
    if not Path(os.environ["ACN_EVAL_DATA"], "cifar100").is_dir():
        pytest.skip("ACN_EVAL_DATA has no cifar100")
    train, validation, test = (
        open_examples("npz:cifar100", s) for s in ("train", "validation", "test")
    )
    with np.load(Path(os.environ["ACN_EVAL_DATA"], "cifar100", "train.npz")) as arrays:
        assert sorted([*train.ids, *validation.ids]) == list(range(len(arrays["labels"])))
        assert np.array_equal(train.labels, arrays["labels"][train.ids])
    assert len(test) == 10_000
    assert len(test.classes) == 100
    assert np.bincount(test.labels).tolist() == [100] * 100
    assert not np.intersect1d(train.ids, validation.ids).size
    assert test.read(np.arange(3), Geometry(32, 3)).shape == (3, 3, 32, 32)
    assert test.name == "npz:cifar100"
