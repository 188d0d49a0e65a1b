"""A folder: whole files or none, whatever kills, fills or removes it."""

import errno
import multiprocessing
import os
import resource
import signal
from pathlib import Path

import pytest

from acn_eval.cache import OutcomeCache
from acn_eval.errors import StoreError

FORK = multiprocessing.get_context("fork")
LARGE = 20_000_000


def key(*facts):
    return OutcomeCache.key(list(facts))


def _write_on_and_on(folder, begun):
    turn = 0
    while True:
        OutcomeCache(folder).write(key(1), bytes([turn % 256]) * LARGE)
        begun.set()
        turn += 1


def test_a_writer_that_is_killed_leaves_no_half_file(store):
    for _ in range(3):
        begun = FORK.Event()
        writer = FORK.Process(target=_write_on_and_on, args=(store.folder, begun))
        writer.start()
        assert begun.wait(60)
        parts = store.folder / key(1)[:2]
        while not list(parts.glob("*.part")):
            pass
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        found = store.read(key(1))
        assert len(found) == LARGE
        assert found.count(found[:1]) == LARGE
    store.check()


def _write_too_much(folder, said):
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
    store = OutcomeCache(folder)
    store.write(key(1), b"x" * 5000)
    try:
        store.write(key(2), b"x" * 50_000)
    except StoreError as exc:
        said.put(str(exc))


def test_a_file_that_cannot_be_written_whole_is_not_there(store):
    said = FORK.Queue()
    writer = FORK.Process(target=_write_too_much, args=(store.folder, said))
    writer.start()
    assert "File too large. Point ACN_EVAL_CACHE at another place." in said.get(timeout=60)
    writer.join()
    assert store.held([key(1), key(2)]) == {key(1): b"x" * 5000}


@pytest.mark.parametrize("number", [errno.ENOENT, errno.ESTALE])
def test_what_is_gone_is_measured_again(store, monkeypatch, number):
    """On NFS, a file that another machine replaced is stale."""
    store.write(key(1), b"kept")
    _fails(monkeypatch, number)
    assert store.read(key(1)) is None


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.ETIMEDOUT])
def test_a_folder_that_is_away_is_not_taken_for_empty(store, monkeypatch, number):
    store.write(key(1), b"kept")
    _fails(monkeypatch, number)
    with pytest.raises(StoreError, match=f"must be kept there; {os.strerror(number)}"):
        store.read(key(1))


def _fails(monkeypatch, number):
    def fail(*arguments, **others):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "open", fail)


def test_what_may_not_be_removed_is_passed_over(store, monkeypatch):
    names = [key(i) for i in range(4)]
    for age, name in enumerate(names):
        store.write(name, b"kept")
        os.utime(store.folder / name[:2] / f"{name}.outcomes", (1000 + age, 1000 + age))
    each, unlink = store.size() // 4, Path.unlink

    def owned(self, *arguments, **others):
        if names[0] in self.name:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        unlink(self, *arguments, **others)

    monkeypatch.setattr(Path, "unlink", owned)
    assert store.trim(2 * each) == 2 * each
    with pytest.raises(StoreError, match=f"must be removable; {each} bytes stay"):
        store.trim(0)
    assert store.size() == each
    assert set(store.held(names)) == {names[0]}


@pytest.mark.timeout(60)
def test_a_pipe_is_not_waited_for(store):
    store.write(key(1), b"kept")
    file = store.folder / key(1)[:2] / f"{key(1)}.outcomes"
    file.unlink()
    os.mkfifo(file)
    assert store.read(key(1)) is None
    assert store.trim(0) == 0


def test_a_folder_that_is_removed_in_between_is_made_again(store, tmp_path):
    store.write(key(1), b"kept")
    store.folder.rename(tmp_path / "away")
    store.write(key(2), b"kept")
    store.check()
    assert store.held([key(1), key(2)]) == {key(2): b"kept"}
