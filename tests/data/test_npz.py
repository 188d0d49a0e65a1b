"""``npz:PATH``: arrays that are believed only after they were looked at."""

import os
import pickle
import random
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from acn_eval.data import Geometry, open_examples
from acn_eval.errors import DataError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (20, 6, 5, 3), dtype=np.uint8)
LABELS = np.arange(20) % 4


def save(path, **changes):
    path.parent.mkdir(exist_ok=True, parents=True)
    arrays = {"images": IMAGES, "labels": LABELS, **changes}
    np.savez(path, **{k: v for k, v in arrays.items() if v is not None})
    return path


def refusal(path, split="test"):
    with pytest.raises(DataError) as caught:
        open_examples(f"npz:{path}", split)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return str(caught.value)


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


def member(header, body=b""):
    """An array as it lies in an .npz, with a header that is made up."""
    text = header.encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body


def header(shape, descr="|u1"):
    return f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}\n"


def packed(path, mode="w", **members):
    with zipfile.ZipFile(path, mode, zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path


ONE = member(header((4,), "<i8"), np.arange(4).tobytes())


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"images": member(header((10**5, 1000, 1000, 3))), "labels": ONE}, "GB in memory"),
        ({"images": member(header((10**30, 8, 8))), "labels": ONE}, "GB in memory"),
        ({"images": member(header((10**9, 1, 1))), "labels": ONE}, "GB in memory"),
        ({"images": member(header((4, -8, 8))), "labels": ONE}, "plain arrays"),
        ({"images": member(header((4, 2, 2))), "labels": ONE}, "plain arrays"),
        ({"images": member(header((4, 2, 2)), b"1" * 16)}, "'labels'"),
        ({"images": member("(" * 9000), "labels": ONE}, "plain arrays"),
        ({"images": member("{'descr': \n'"), "labels": ONE}, "plain arrays"),
        (
            {"images": member(header((4, 2, 2)), b"1" * 16), "labels": ONE}
            | {"classes": member(header((10**12,), "<U8"))},
            "'classes'",
        ),
        (
            {"images": member(header((4, 2, 2)), b"1" * 16)}
            | {"labels": member(header((10**12,), "<i8"))},
            "'labels'",
        ),
    ],
)
def test_what_is_declared_is_judged_before_it_takes_memory(tmp_path, members, said):
    assert said in refusal(packed(tmp_path / "set.npz", **members))


def test_a_bomb_is_refused_before_it_goes_off(tmp_path):
    """A small file may take half a gigabyte, and a large one sixteen times its size."""
    zeros = np.zeros((9_000_000, 1, 1), np.uint8)
    np.savez_compressed(tmp_path / "bomb.npz", images=zeros, labels=zeros[:, 0, 0])
    assert (tmp_path / "bomb.npz").stat().st_size < 1e5
    tracemalloc.start()
    refused = refusal(tmp_path / "bomb.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "at most 0.5 GB in memory" in refused
    assert peak < 1e7


def test_a_file_with_holes_is_as_large_as_what_it_holds(tmp_path):
    path = tmp_path / "holes.npz"
    with path.open("wb") as stream:
        stream.truncate(2**33)
    packed(path, "a", images=member(header((2**24, 8, 8))), labels=ONE)
    assert path.stat().st_size > 2**33
    assert "0.5 GB" in refusal(path)


def test_a_long_list_of_members_is_not_read(tmp_path):
    path = tmp_path / "many.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(8_000):
            archive.writestr(f"{i:0100}.npy", b"")
    assert "plain arrays" in refusal(path)


class Touches:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.system, (f"touch {self.target}",)


def test_a_pickle_inside_does_not_run(tmp_path):
    evil = np.array([Touches(tmp_path / "touched")] * 4, dtype=object)
    path = save(tmp_path / "set.npz", classes=evil)
    assert "plain arrays" in refusal(path)
    assert not (tmp_path / "touched").exists()
    with np.load(path, allow_pickle=True) as arrays:
        arrays["classes"]
    assert (tmp_path / "touched").exists()


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


@pytest.mark.parametrize("writer", [np.savez, np.savez_compressed])
def test_damage_is_one_line(tmp_path, writer):
    path = tmp_path / "set.npz"
    writer(path, images=IMAGES[:4], labels=LABELS[:4])
    content, shuffle, refused = path.read_bytes(), random.Random(1), 0
    for i in range(200):
        damaged = bytearray(content)
        if i % 3:
            damaged[shuffle.randrange(len(damaged))] = shuffle.randrange(256)
        else:
            del damaged[shuffle.randrange(len(damaged)) :]
        path.write_bytes(damaged)
        try:
            open_examples(f"npz:{path}")
        except DataError:
            refused += 1
    assert refused > 150


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
