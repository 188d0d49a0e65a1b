"""What shards hold is found once, and found again when a shard changes."""

import os

import pytest

from acn_eval.cache import default_store
from acn_eval.data import open_examples, shard_index
from acn_eval.data.shard_index import ShardIndex, indexed
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


def test_an_index_is_read_as_it_was_written(tmp_path):
    members = [("n/é.png", encoded()), ("n/é.cls", "größe".encode()), ("n/é.txt", b"")]
    (made,) = indexed([tar(tmp_path / "x.tar", members)])
    again = ShardIndex.unpacked(made.packed())
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
        from acn_eval.errors import MeasureError

        raise MeasureError("full")
