"""Joining a cluster that somebody else started, which may be none, or another."""

import os
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
import torch

from acn_eval.engine.choice import EngineChoice
from acn_eval.engine.ray_process import _LONGEST
from acn_eval.engine.ray_tasks import RayTasks
from acn_eval.errors import ConfigError, MeasureError
from tests.engine.clusters import cluster
from tests.engine.tasks import (
    Counting,
    Looking,
    Waiting,
    silent,
)

CPU = torch.device("cpu")
pytestmark = pytest.mark.slow


def items(engine, count=3):
    return sorted(own.item for own in engine.run([Counting(count)], silent))[:count]


@pytest.fixture(scope="module")
def joined():
    with cluster() as (address, token), pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_TOKEN", token)
        yield address


def test_a_cluster_is_joined_and_left(joined, monkeypatch):
    for _ in range(2):
        with RayTasks(EngineChoice(joined), CPU) as engine:
            assert engine.slots == 2
            assert items(engine) == [0, 1, 2]
    monkeypatch.setenv("RAY_ADDRESS", joined)
    with RayTasks(EngineChoice("ray", threads=2), CPU) as engine:
        assert engine.slots == 1
        assert items(engine) == [0, 1, 2]


def test_two_drivers_share_a_cluster(joined):
    with RayTasks(EngineChoice(joined), CPU) as one, RayTasks(EngineChoice(joined), CPU) as two:
        first, second = [own.run([Counting(2)] * 9, silent) for own in (one, two)]
        assert next(first).task == 0
        assert len(list(second)) == 27
        assert len(list(first)) == 26


def test_a_cluster_without_room_for_a_task_is_refused(joined):
    with pytest.raises(MeasureError, match="must have as many cores as threads; got none"):
        _ = RayTasks(EngineChoice(joined, threads=3), CPU).slots


@pytest.mark.parametrize(
    ("token", "got"),
    [("", "no RAY_AUTH_TOKEN"), ("b" * 64, "another token than RAY_AUTH_TOKEN")],
    ids=["none", "another"],
)
def test_another_token_is_one_line_within_seconds(joined, monkeypatch, tmp_path, token, got):
    monkeypatch.setenv("RAY_AUTH_TOKEN", token)
    monkeypatch.setenv("HOME", str(tmp_path))
    start = time.monotonic()
    with pytest.raises(MeasureError, match=rf"got: {got}\.$"):
        items(RayTasks(EngineChoice(joined), CPU))
    assert time.monotonic() - start < 60


@pytest.mark.parametrize(("found", "got"), [("0.1", r"0\.1"), ("", ".*: No module named")])
def test_another_version_of_acn_eval_is_one_line(tmp_path, monkeypatch, found, got):
    (tmp_path / "acn_eval").mkdir()
    (tmp_path / "acn_eval/__init__.py").touch()
    if found:
        info = tmp_path / f"acn_eval-{found}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: acn-eval\nVersion: {found}\n"
        )
    with cluster([tmp_path]) as (address, token):
        monkeypatch.setenv("RAY_AUTH_TOKEN", token)
        engine = RayTasks(EngineChoice(address, allow_mixed=True), CPU)
        with pytest.raises(ConfigError, match=rf"must have acn-eval .*; got {got}"):
            items(engine)


@pytest.mark.skipif(os.getuid() != 0, reason="only root may act as another user")
def test_other_users_write_nothing_that_workers_of_an_own_cluster_read():
    with RayTasks(EngineChoice("ray", 1), CPU) as engine:
        (found,) = engine.run([Looking()], silent)
        folder = engine._session.process._folder.path
        assert str(folder) in found.item
        assert (folder / "files").stat().st_mode & 0o002  # why it must not be reached
        read = [*found.item, folder, *folder.rglob("*")]
        assert len(read) > 20
        script = 'for file; do test -w "$file" && echo "$file"; done; true'
        command = ["/bin/sh", "-c", script, "sh", *map(str, read)]
        nobody = {"user": 65534, "group": 65534, "extra_groups": []}
        assert subprocess.check_output(command, cwd="/", text=True, **nobody) == ""


def test_a_long_folder_for_temporary_files_leaves_room_for_sockets(monkeypatch):
    with tempfile.TemporaryDirectory(prefix="a" * 7, dir="/tmp") as folder:
        assert len(folder) == _LONGEST
        monkeypatch.setattr(tempfile, "tempdir", folder)
        with RayTasks(EngineChoice("ray", 1), CPU) as engine:
            assert items(engine) == [0, 1, 2]
            assert engine._session.process._folder.path.parent == Path(folder)


def test_workers_are_a_limit_on_a_larger_cluster(joined, tmp_path):
    one, other = (RayTasks(EngineChoice(joined, workers), CPU) for workers in (1, None))
    with one, other:
        assert (one.slots, other.slots) == (1, 2)
        found = one.run([Waiting(tmp_path, str(k)) for k in range(3)], silent)
        next(found)
        list(other.run([Counting(1)] * 20, silent))  # in the slot that is free
        assert len(list(tmp_path.glob("?-*"))) == 1
        (tmp_path / "go").touch()
        assert sum(isinstance(own.item, str) for own in found) == 3
