"""The store: atomic, checked, shared, and limited."""

import hashlib
import multiprocessing
import os
import subprocess
import sys

import numpy as np
import pytest

from acn_eval.cache import CACHE_ENV, OUTCOME, OutcomeCache, default_store
from acn_eval.errors import ConfigError, MeasureError


def outcomes(n=10, seed=0):
    rng = np.random.default_rng(seed)
    table = np.zeros(n, OUTCOME)
    table["id"], table["predicted"], table["confidence"] = (
        rng.integers(0, 2**62, n),
        rng.integers(-1, 10, n),
        rng.random(n),
    )
    return table.tobytes()


def key(*facts):
    return OutcomeCache.key(list(facts))


def file_of(store, k):
    (found,) = store.folder.glob(f"*/{k}.*")
    return found


def test_what_is_put_is_got(store):
    assert store.read(key("a")) is None
    store.write(key("a"), outcomes())
    assert store.read(key("a")) == outcomes()
    assert store.read(key("b")) is None


def test_keys_follow_the_facts():
    facts = {"sha": "0", "std": (0.1, 0.2), "level": 0.1}
    assert key(facts) == key({**facts, "std": [0.1, 0.2]})
    assert key(facts) == key(dict(reversed(facts.items())))
    assert key(facts) != key({**facts, "level": 0.2})
    assert key(facts) != key({**facts, "std": [0.2, 0.1]})


def test_every_damaged_byte_and_every_cut_is_noticed(store):
    store.write(key("a"), outcomes())
    file = file_of(store, key("a"))
    whole = file.read_bytes()
    for i in range(len(whole)):
        file.write_bytes(whole[:i] + bytes([whole[i] ^ 0x10]) + whole[i + 1 :])
        assert store.read(key("a")) is None
    for i in range(len(whole)):
        file.write_bytes(whole[:i])
        assert store.read(key("a")) is None
    store.write(key("a"), outcomes())
    assert store.read(key("a")) == outcomes()


def test_a_write_that_fails_leaves_the_old_file(store, monkeypatch):
    store.write(key("a"), outcomes(seed=1))
    monkeypatch.setattr("pathlib.Path.replace", _no_space)
    with pytest.raises(MeasureError, match=f"No space left.*{CACHE_ENV}"):
        store.write(key("a"), outcomes(seed=2))
    assert store.read(key("a")) == outcomes(seed=1)


def _no_space(self, target):
    raise OSError(28, "No space left on device")


def test_a_folder_that_cannot_be_made_is_said_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"must be a folder.*got Not a directory"):
        OutcomeCache(tmp_path / "file" / "folder").write(key("a"), outcomes())


def strangers(folder):
    """Files that are not the store's, some with names much like its own, all of them old."""
    content = b"\0" * 3000
    name = key("stranger")
    for path in (
        "2024/film.mov",
        f"{name[:2]}/{name}.outcomes",
        f"{name[:2]}/{name}.part",
        f"zz/{name}.outcomes",
        "aa/bb/film.mov",
        "film.mov",
    ):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
        os.utime(folder / path, (1000, 1000))
    (folder / "aa" / f"aa{'0' * 30}.outcomes").symlink_to(folder / "film.mov")
    return {path: path.stat().st_mtime for path in folder.rglob("*") if path.is_file()}


def test_files_of_others_are_never_removed(store):
    """They may have come after the store, as when two programs share a folder."""
    store.write(key("a"), outcomes())
    held = strangers(store.folder)
    del held[file_of(store, key("a"))], held[store.folder / "CACHEDIR.TAG"]
    assert store.trim(0) > 0
    assert store.read(key("a")) is None
    assert store.read(key("stranger")) is None
    assert {path: path.stat().st_mtime for path in held} == held


def test_a_folder_that_holds_something_else_is_refused_and_stays_as_it_is(store, monkeypatch):
    held = strangers(store.folder)
    monkeypatch.setenv(CACHE_ENV, str(store.folder))
    for refused in (store.check, default_store, lambda: store.write(key("a"), outcomes())):
        with pytest.raises(ConfigError, match=f"must be empty or a store.*{CACHE_ENV}"):
            refused()
    assert store.trim(0) == 0
    found = {path: path.stat().st_mtime for path in store.folder.rglob("*") if path.is_file()}
    assert found == held


def test_a_tag_of_another_program_is_not_ours(store):
    store.folder.mkdir()
    (store.folder / "CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55\n")
    with pytest.raises(ConfigError, match=r"holds CACHEDIR.TAG"):
        store.check()


def test_an_older_store_is_not_taken_for_one(store):
    """Its files have no magic: whose they are cannot be told, so they are left alone."""
    name, body = key("a"), outcomes()
    path = store.folder / name[:2] / f"{name}.outcomes"
    path.parent.mkdir(parents=True)
    path.write_bytes(hashlib.blake2b(body, digest_size=16).digest() + body)
    assert store.read(name) is None
    assert store.trim(0) == 0
    with pytest.raises(ConfigError, match="must be empty or a store"):
        store.check()
    assert path.exists()


def test_a_part_of_a_killed_process_is_no_stranger(store):
    store.folder.mkdir()
    (store.folder / f".acn-eval-{'0' * 32}.part").write_text("half")
    store.write(key("a"), outcomes())
    assert store.read(key("a")) is not None
    store.check()


def test_what_does_not_belong_is_not_marked_as_used(store):
    name = key("a")
    store.write(name, outcomes())
    file = file_of(store, name)
    file.write_bytes(b"of somebody else")
    os.utime(file, (1000, 1000))
    assert store.read(name) is None
    assert file.stat().st_mtime == 1000


def test_trim_removes_the_least_recently_used(store):
    names = [key(i) for i in range(4)]
    for age, name in enumerate(names):
        store.write(name, outcomes())
        os.utime(file_of(store, name), (1000 + age, 1000 + age))
    store.read(names[0])  # used now
    each = store.size() // 4
    assert store.trim(2 * each) == 2 * each
    assert [store.read(name) is not None for name in names] == [True, False, False, True]
    assert store.trim(2 * each) == 0
    assert store.trim(0) == 2 * each
    assert store.size() == 0


def test_trim_keeps_to_the_limit_of_the_store(tmp_path):
    small = OutcomeCache(tmp_path, limit=400)
    for i in range(5):
        small.write(key(i), outcomes())
    small.trim()
    assert 0 < small.size() <= 400


def test_an_empty_store_is_no_error(store):
    assert store.size() == 0
    assert store.trim() == 0


def test_an_unreadable_store_still_writes(store):
    blind = OutcomeCache(store.folder, readable=False)
    blind.write(key("a"), outcomes())
    assert blind.read(key("a")) is None
    assert store.read(key("a")) is not None


def _hammer(folder, failures):
    store = OutcomeCache(folder)
    for turn in range(150):
        name = turn % 5
        store.write(key(name), outcomes(n=300, seed=name))
        found = store.read(key(name))
        if found is not None and found != outcomes(n=300, seed=name):
            failures.write(turn)
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
    assert not list(store.folder.rglob("*.part"))


def test_its_size_is_shown_without_torch():
    code = (
        "import sys\nfrom acn_eval.cli.main import main\n"
        "try: main(['cache', 'info'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
