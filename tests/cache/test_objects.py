"""An object store: many at once, the oldest first, and what goes wrong in one line."""

import errno
import multiprocessing
import socket
import sys
import time
import urllib.request

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import _registry

from acn_eval.cache import OutcomeCache
from acn_eval.cache.place import MARKER
from acn_eval.errors import ConfigError, MissingExtra, StoreError


def key(*facts):
    return OutcomeCache.key(list(facts))


@pytest.fixture
def cache(bucket):
    return OutcomeCache(f"s3://{bucket[0]}/kept")


def line(call, kind=StoreError):
    with pytest.raises(kind) as caught:
        call()
    assert "hush" not in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_was_written_first_goes_first(cache, bucket, monkeypatch):
    names = [key(i) for i in range(4)]
    for name in names:
        cache.write(name, b"kept")
    system, at = bucket[1], dict(zip(names, (3.0, 1.0, 2.0, 4.0), strict=True))
    files = type(cache._place).files

    def aged(self):
        return [own._replace(used=at.get(own.name[3:35], 0.0)) for own in files(self)]

    assert all(time.time() - 600 < own.used < time.time() + 600 for own in files(cache._place))
    monkeypatch.setattr(type(cache._place), "files", aged)
    assert cache.trim(cache.size() // 2) == cache.size()
    assert set(cache.held(names)) == {names[0], names[3]}
    assert len(system.find(f"{bucket[0]}/kept")) == 3  # with the marker


def test_the_first_write_of_a_process_renews_the_marker(cache, bucket):
    """A bucket whose rule removes what is old removes the marker first."""
    cache.write(key(1), b"kept")
    bucket[1].rm(f"{bucket[0]}/kept/{key(1)[:2]}", recursive=True)
    bucket[1].rm(f"{bucket[0]}/kept/{MARKER}")
    again = OutcomeCache(cache.folder)
    again.write(key(2), b"kept")
    assert bucket[1].exists(f"{bucket[0]}/kept/{MARKER}")


def test_a_pattern_removes_nothing_of_others(bucket):
    precious, wide = (OutcomeCache(f"s3://{bucket[0]}/{name}") for name in ("team-a", "team-*"))
    for cache in (precious, wide):
        cache.write(key(1), b"kept")
    wide.drop(key(1))
    wide.write(key(1), b"kept")
    wide.trim(0)
    assert (precious.read(key(1)), wide.read(key(1))) == (b"kept", None)


def test_many_are_asked_for_at_once(cache, monkeypatch):
    monkeypatch.setattr("acn_eval.cache.outcomes._TOGETHER", 8)
    asked = []
    read = type(cache._place).read
    monkeypatch.setattr(
        type(cache._place),
        "read",
        lambda self, names, most: (asked.append(len(names)), read(self, names, most))[1],
    )
    cache.write(key(9), b"kept")
    asked.clear()
    assert cache.held(key(i) for i in range(12)) == {key(9): b"kept"}
    assert asked == [8, 4]


def _hammer(address, failures):
    store = OutcomeCache(address)
    for turn in range(8):
        name = turn % 3
        store.write(key(name), bytes([name]) * 5000)
        if store.read(key(name)) not in (None, bytes([name]) * 5000):
            failures.put(turn)
        if turn == 4:
            store.trim(0)


def test_processes_share_it_and_it_survives_a_fork(cache):
    cache.write(key("before"), b"kept")
    fork = multiprocessing.get_context("fork")
    failures = fork.Queue()
    workers = [fork.Process(target=_hammer, args=(cache.folder, failures)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert failures.empty()


def test_a_bucket_must_be_there(s3):
    said = line(OutcomeCache("s3://nobody-made-this/kept").check, ConfigError)
    assert "must lie in a bucket that is there" in said


def test_a_store_that_is_away_is_said_within_seconds(elsewhere):
    """Its outcomes are not taken for missing: hours would be computed again."""
    elsewhere("http://127.0.0.1:9")
    cache, began = OutcomeCache("s3://bucket/kept"), time.monotonic()
    assert "Could not connect" in line(cache.check)
    assert "ACN_EVAL_CACHE" in line(lambda: cache.held([key(1)]))
    assert time.monotonic() - began < 30


@pytest.mark.slow
def test_a_host_that_nobody_knows_is_said_within_seconds(elsewhere):
    elsewhere("http://nowhere.invalid")
    cache, began = OutcomeCache("s3://bucket/kept"), time.monotonic()
    assert "Could not connect" in line(lambda: cache.write(key(1), b"kept"))
    assert time.monotonic() - began < 30


@pytest.mark.slow
def test_a_server_that_says_nothing_is_given_up(elsewhere):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        elsewhere(f"http://127.0.0.1:{silent.getsockname()[1]}")
        cache, began = OutcomeCache("s3://bucket/kept"), time.monotonic()
        assert "imeout" in line(cache.check)
        assert "imeout" in line(lambda: cache.read(key(1)))
        assert time.monotonic() - began < 60


def test_who_may_not_is_told(s3, cache):
    cache.write(key(1), b"kept")
    with _keys_are_checked(s3):
        assert "does not exist in our records" in line(cache.check)
        assert "does not exist in our records" in line(lambda: cache.read(key(1)))
        assert "does not exist in our records" in line(lambda: cache.write(key(1), b"kept"))
    assert cache.read(key(1)) == b"kept"


class _keys_are_checked:
    def __init__(self, endpoint):
        self.endpoint = endpoint

    def __enter__(self):
        self.after(b"0")

    def __exit__(self, *reason):
        self.after(b"inf")

    def after(self, requests):
        plain = {"Content-Type": "text/plain"}
        asked = urllib.request.Request(f"{self.endpoint}/moto-api/reset-auth", requests, plain)
        with urllib.request.urlopen(asked) as answer:
            assert answer.status == 200


class Full(MemoryFileSystem):
    """Takes three objects."""

    protocol = "full"

    def pipe_file(self, path, value, mode="overwrite", **kwargs):
        if len(self.store) >= 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().pipe_file(path, value, mode, **kwargs)


def test_a_store_that_is_full_keeps_what_it_has(monkeypatch):
    monkeypatch.setattr(Full, "store", {})
    monkeypatch.setattr(Full, "pseudo_dirs", [""])
    monkeypatch.setitem(_registry, "full", Full)
    cache = OutcomeCache("full://bucket/kept")
    for i in range(2):
        cache.write(key(i), b"kept")
    assert "No space left on device" in line(lambda: cache.write(key(2), b"kept"))
    assert cache.held(map(key, range(3))) == {key(0): b"kept", key(1): b"kept"}


def test_without_s3fs_it_is_named(monkeypatch):
    monkeypatch.delitem(_registry, "s3", raising=False)
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(MissingExtra, match=r"needs s3; pip install 'acn-eval\[s3\]'"):
        OutcomeCache("s3://bucket/kept").check()


class Portal(MemoryFileSystem):
    """Answers with a page for logging in."""

    protocol = "portal"

    def find(self, path, *arguments, **others):
        return {f"{path}/a": {"size": 0, "LastModified": ""}}


def test_an_answer_of_somebody_else_is_one_line(monkeypatch):
    monkeypatch.setitem(_registry, "portal", Portal)
    assert "must be kept there; Invalid isoformat" in line(
        lambda: OutcomeCache("portal://bucket/kept").trim(0)
    )


@pytest.mark.parametrize("address", ["nothing://place", "gs://bucket", "github://a/b", "dir://x"])
def test_what_fsspec_cannot_reach_is_refused(address):
    assert "must be in reach" in line(OutcomeCache(address).check, ConfigError)
