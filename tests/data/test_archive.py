"""Archives are judged by what they declare, before they take memory."""

import os
import random
import tracemalloc
import zipfile

import numpy as np
import pytest

from acn_eval.data import open_examples
from acn_eval.errors import DataError
from tests.data.arrays import IMAGES, LABELS, refusal, save


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
