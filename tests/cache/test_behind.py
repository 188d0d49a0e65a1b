"""Writes behind the work: none is lost, none is counted before it is kept, none holds it up."""

import errno
import signal
import threading
from typing import ClassVar

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import _registry

from acn_eval.cache import OutcomeCache, WriteBehind
from acn_eval.errors import StoreError


class Slow(MemoryFileSystem):
    """Puts nothing before it may, and no more than it has room for."""

    protocol = "slow"
    may = threading.Event()
    room = 1000
    puts: ClassVar[list[int]] = []

    def pipe(self, path, value=None, **kwargs):
        assert self.may.wait(60)
        self.puts.append(len(path))
        if len(self.store) + len(path) > self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().pipe(path, value, **kwargs)


@pytest.fixture
def slow(monkeypatch):
    for name, value in {"store": {}, "pseudo_dirs": [""], "puts": [], "room": 1000}.items():
        monkeypatch.setattr(Slow, name, value)
    monkeypatch.setattr(Slow, "may", threading.Event())
    monkeypatch.setitem(_registry, "slow", Slow)
    return OutcomeCache("slow://bucket/kept")


def key(i):
    return OutcomeCache.key(i)


def test_a_folder_is_written_at_once(store):
    kept = []
    with WriteBehind(store, kept.append) as writer:
        writer.write(key(1), b"kept", 7)
        assert (store.read(key(1)), kept) == (b"kept", [7])


def test_those_that_wait_go_together(slow):
    kept = []
    with WriteBehind(slow, kept.append) as writer:
        for i in range(50):
            writer.write(key(i), b"kept", 2)
        assert sum(kept) == 0
        assert len(writer._writes) <= 2  # one under way, and one that takes all the rest
        Slow.may.set()
    assert sum(kept) == 100
    assert len(slow.held(map(key, range(50)))) == 50
    assert len(Slow.puts) <= 3  # the marker, the first, and the rest


def test_no_more_wait_than_stated(slow, monkeypatch):
    monkeypatch.setattr("acn_eval.cache.behind._MOST", 4)
    written = []

    def write():
        with WriteBehind(slow, lambda cost: None) as writer:
            for i in range(10):
                writer.write(key(i), b"kept", 1)
                written.append(i)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        while len(written) < 4:
            pass
        assert len(written) <= 6
    finally:
        Slow.may.set()
        thread.join()
    assert len(slow.held(map(key, range(10)))) == 10


def test_a_store_that_is_full_ends_the_run_and_keeps_what_it_has(slow):
    Slow.may.set()
    Slow.room = 4  # with the marker
    kept = []

    def work():
        with WriteBehind(slow, kept.append) as writer:
            for i in range(1000):
                writer.write(key(i), b"kept", 1)

    with pytest.raises(StoreError, match="No space left on device"):
        work()
    there = slow.held(map(key, range(1000)))
    assert 0 <= len(there) == sum(kept) <= 3
    assert len(Slow.puts) <= 6  # nothing is tried after the failure


def test_an_error_of_the_work_is_the_one_that_is_raised(slow):
    Slow.room = 0

    def work():
        with WriteBehind(slow, lambda cost: None) as writer:
            writer.write(key(1), b"kept", 1)
            Slow.may.set()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()


def test_a_second_interruption_drops_what_waits(slow, monkeypatch, capsys):
    kept, before = [], set(threading.enumerate())
    writer = WriteBehind(slow, kept.append)

    def again(number, frame):
        if not writer._writes:  # the last one is waited for
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise KeyboardInterrupt

    def work():
        with writer:
            writer.write(key(1), b"kept", 1)
            signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
            raise KeyboardInterrupt

    former = signal.signal(signal.SIGALRM, again)
    try:
        with pytest.raises(KeyboardInterrupt):
            work()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
    (thread,) = set(threading.enumerate()) - before
    assert thread.is_alive()
    assert thread.daemon  # the end of the process does not wait for it
    assert kept == []
    assert "Ctrl-C again drops them" in capsys.readouterr().err
    Slow.may.set()
    thread.join(60)
    assert not thread.is_alive()
