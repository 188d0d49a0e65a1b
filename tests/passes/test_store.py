"""The store: atomic, checked, shared, and limited."""

import multiprocessing
import os
import time

import numpy as np
import pytest

from acn_eval.errors import MeasureError
from acn_eval.passes import CACHE_ENV, Store, default_store
from acn_eval.passes.store import OUTCOME


def outcomes(n=10, seed=0):
    rng = np.random.default_rng(seed)
    table = np.zeros(n, OUTCOME)
    table["id"], table["predicted"], table["confidence"] = (
        rng.integers(0, 2**62, n),
        rng.integers(-1, 10, n),
        rng.random(n),
    )
    return table


def key(*facts):
    return Store.key(list(facts))


def file_of(store, k):
    (found,) = store.folder.glob(f"*/{k}.*")
    return found


def test_what_is_put_is_got(store):
    assert store.get(key("a")) is None
    store.put(key("a"), outcomes())
    assert np.array_equal(store.get(key("a")), outcomes())
    assert store.get(key("b")) is None


def test_keys_follow_the_facts():
    facts = {"sha": "0", "std": (0.1, 0.2), "level": 0.1}
    assert key(facts) == key({**facts, "std": [0.1, 0.2]})
    assert key(facts) == key(dict(reversed(facts.items())))
    assert key(facts) != key({**facts, "level": 0.2})
    assert key(facts) != key({**facts, "std": [0.2, 0.1]})


def test_every_damaged_byte_and_every_cut_is_noticed(store):
    store.put(key("a"), outcomes())
    file = file_of(store, key("a"))
    whole = file.read_bytes()
    for i in range(len(whole)):
        file.write_bytes(whole[:i] + bytes([whole[i] ^ 0x10]) + whole[i + 1 :])
        assert store.get(key("a")) is None
    for i in range(len(whole)):
        file.write_bytes(whole[:i])
        assert store.get(key("a")) is None
    store.put(key("a"), outcomes())
    assert np.array_equal(store.get(key("a")), outcomes())


def test_a_write_that_fails_leaves_the_old_file(store, monkeypatch):
    store.put(key("a"), outcomes(seed=1))
    monkeypatch.setattr("pathlib.Path.replace", _no_space)
    with pytest.raises(MeasureError, match=f"No space left.*{CACHE_ENV}"):
        store.put(key("a"), outcomes(seed=2))
    assert np.array_equal(store.get(key("a")), outcomes(seed=1))


def _no_space(self, target):
    raise OSError(28, "No space left on device")


def test_a_folder_that_cannot_be_made_is_said_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MeasureError, match="outcomes must be kept there"):
        Store(tmp_path / "file" / "folder").put(key("a"), outcomes())


def test_a_half_written_file_is_nobodys(store):
    store.put(key("a"), outcomes())
    part = file_of(store, key("a")).with_name("half.part")
    part.write_bytes(b"half")
    assert store.trim(0) > 0
    assert part.exists()  # somebody may be writing it
    os.utime(part, (time.time() - 7200,) * 2)
    store.trim(0)
    assert not part.exists()


def test_trim_removes_the_least_recently_used(store):
    names = [key(i) for i in range(4)]
    for age, name in enumerate(names):
        store.put(name, outcomes())
        os.utime(file_of(store, name), (1000 + age, 1000 + age))
    store.get(names[0])  # used now
    each = store.size() // 4
    assert store.trim(2 * each) == 2 * each
    assert [store.get(name) is not None for name in names] == [True, False, False, True]
    assert store.trim(2 * each) == 0
    assert store.trim(0) == 2 * each
    assert store.size() == 0


def test_trim_keeps_to_the_limit_of_the_store(tmp_path):
    small = Store(tmp_path, limit=300)
    for i in range(5):
        small.put(key(i), outcomes())
    small.trim()
    assert 0 < small.size() <= 300


def test_an_empty_store_is_no_error(store):
    assert store.size() == 0
    assert store.trim() == 0


def test_an_unreadable_store_still_writes(store):
    blind = Store(store.folder, readable=False)
    blind.put(key("a"), outcomes())
    assert blind.get(key("a")) is None
    assert store.get(key("a")) is not None


def test_the_default_is_where_the_variable_points(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_ENV, str(tmp_path / "mine"))
    assert default_store().folder == tmp_path / "mine"
    monkeypatch.delenv(CACHE_ENV)
    assert default_store().folder.name == "outcomes"


def _hammer(folder, failures):
    store = Store(folder)
    for turn in range(150):
        name = turn % 5
        store.put(key(name), outcomes(n=300, seed=name))
        found = store.get(key(name))
        if found is not None and not np.array_equal(found, outcomes(n=300, seed=name)):
            failures.put(turn)
        if turn % 50 == 49:
            store.trim(0)


def test_processes_share_a_store(store):
    """Writing, reading and trimming at once: what is got is whole, and nobody fails."""
    fork = multiprocessing.get_context("fork")
    failures = fork.Queue()
    workers = [fork.Process(target=_hammer, args=(store.folder, failures)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert failures.empty()
    assert not list(store.folder.glob("*/*.part"))
