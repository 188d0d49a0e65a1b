"""What shards hold is found once, and found again when a shard changes."""

import os
from dataclasses import replace

import numpy as np
import pytest

from acn_eval.cache import default_store
from acn_eval.data import Geometry, open_examples, shard_index
from acn_eval.data.shard_index import ShardIndex, indexed
from acn_eval.errors import DataError, MeasureError
from tests.data.shards import encoded, sample, tar, written


@pytest.fixture
def passes(monkeypatch, tmp_path):
    """The shards that are read, in a cache of their own."""
    monkeypatch.setenv("ACN_EVAL_CACHE", str(tmp_path / "cache"))
    read = []
    made = shard_index._Made.index

    def counted(self):
        read.append(self._tar.path.name)
        return made(self)

    monkeypatch.setattr(shard_index._Made, "index", counted)
    return read


def test_a_shard_is_read_once_until_it_changes(tmp_path, passes):
    shards = [written(tmp_path / f"{i}.tar", [sample(i, 0)]) for i in range(3)]
    first = open_examples(f"wds:{tmp_path}")
    assert sorted(passes) == ["0.tar", "1.tar", "2.tar"]
    passes.clear()
    assert open_examples(f"wds:{tmp_path}").fingerprint == first.fingerprint
    assert passes == []
    written(shards[1], [sample(9, 0), sample(10, 0)])
    assert len(open_examples(f"wds:{tmp_path}")) == 4
    assert passes == ["1.tar"]


def test_a_new_time_of_change_is_enough(tmp_path, passes):
    path = written(tmp_path / "x.tar", [sample(0, 0)])
    indexed([path])
    os.utime(path, ns=(1, 1))
    indexed([path])
    assert passes == ["x.tar", "x.tar"]


def test_a_damaged_index_is_made_again(tmp_path, passes):
    path = written(tmp_path / "x.tar", [sample(0, 0)])
    indexed([path])
    (kept,) = default_store().folder.glob("*/*.outcomes")
    kept.write_bytes(kept.read_bytes()[:-3])
    indexed([path])
    assert len(passes) == 2


def rewritten(path, old, new):
    """Change bytes in place; size and time of the content stay."""
    status = path.stat()
    with path.open("r+b") as stream:
        stream.write(path.read_bytes().replace(old, new))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_labels_that_change_in_place_are_found(tmp_path, passes):
    path = written(tmp_path / "x.tar", [sample(0, "ant"), sample(1, "bee")])
    before = os.stat(path).st_ctime_ns
    assert open_examples(f"wds:{path}").classes == ("ant", "bee")
    while os.stat(path).st_ctime_ns == before:  # its clock may tick slowly
        rewritten(path, b"ant", b"cat")
    assert open_examples(f"wds:{path}").classes == ("bee", "cat")
    assert len(passes) == 2


def test_a_label_that_is_not_what_it_was_is_never_shown(tmp_path, passes, monkeypatch):
    """Also where no time says it, as in an image of a file system."""
    monkeypatch.setattr(shard_index, "_address", lambda path, status: "0" * 32)
    path = written(tmp_path / "x.tar", [sample(0, "ant"), sample(1, "bee")])
    for label, own in ((b"ant", b"cat"), (b"cat", b"dog")):
        examples = open_examples(f"wds:{path}")
        rewritten(path, label, own)
        with pytest.raises(MeasureError, match=r"k0000\.png: must stay as it is"):
            examples.read(np.arange(2), Geometry(8, 3))
    assert open_examples(f"wds:{path}").classes == ("bee", "dog")
    assert len(passes) == 3


def test_a_shard_that_changes_while_it_is_indexed_is_refused(tmp_path, passes, monkeypatch):
    path = written(tmp_path / "x.tar", [sample(0, 0)])

    def turned(content):
        os.utime(path, ns=(1, 1))
        return False

    monkeypatch.setattr(shard_index, "is_turned", turned)
    with pytest.raises(DataError, match="must stay as it is"):
        indexed([path])


STRANGE = {
    "no head": lambda made: b"[" * 100_000,
    "labels": lambda made: replace(made, labels=(0,)).packed(),
    "fewer rows": lambda made: made.packed()[: -len(made.names) - 1],
    "left out": lambda made: replace(made, left_out={"x": "y"}).packed(),
    "a class": lambda made: changed(made, label=1),
    "no class": lambda made: changed(made, label=-2),
    "a size": lambda made: changed(made, size=2**40),
    "a place": lambda made: changed(made, offset=-1),
    "a name": lambda made: changed(made, name=2**40),
    "a hash": lambda made: changed(made, hash=-1),
}


def changed(made, **fields):
    rows = made.rows.copy()
    for field, value in fields.items():
        rows[field] = value
    return replace(made, rows=rows).packed()


def test_an_index_that_is_none_is_made_again(tmp_path, passes):
    path = written(tmp_path / "x.tar", [sample(0, 0)])
    (made,) = indexed([path])
    address = shard_index._address(path, os.stat(path))
    for strange in STRANGE.values():
        default_store().write(address, strange(made))
        assert indexed([path])[0].packed() == made.packed()
    assert len(passes) == 1 + len(STRANGE)


def test_endings_without_end_are_counted_as_others(tmp_path):
    members = [(f"{i}.{i}{'x' * 900}", b"") for i in range(150)]
    (made,) = indexed([tar(tmp_path / "x.tar", [*members, ("a.png", encoded()), ("a.cls", b"0")])])
    assert len(made.left_out) == 101
    assert made.left_out["others"] == 50
    assert len(made.packed()) < 5000


def test_an_index_is_read_as_it_was_written(tmp_path):
    members = [("n/é.png", encoded()), ("n/é.cls", "größe".encode()), ("n/é.txt", b"")]
    (made,) = indexed([tar(tmp_path / "x.tar", members)])
    again = ShardIndex.unpacked(made.packed(), (tmp_path / "x.tar").stat().st_size)
    assert again.rows.tobytes() == made.rows.tobytes()
    assert (again.names, again.labels) == ("n/é.png".encode(), ("größe",))
    assert again.left_out == made.left_out == {".txt": 1}


def test_a_store_that_cannot_be_written_costs_another_pass(tmp_path, passes, monkeypatch):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "CACHEDIR.TAG").mkdir()
    path = written(tmp_path / "x.tar", [sample(0, 0)])
    monkeypatch.setattr(shard_index, "default_store", lambda: Unwritable())
    assert len(indexed([path])[0].rows) == 1


class Unwritable:
    key = staticmethod(default_store().key)

    def read(self, key):
        return None

    def write(self, key, content):
        raise MeasureError("full")
