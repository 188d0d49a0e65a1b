"""Joining a cluster that somebody else started, which may be none, or another."""

import time

import pytest
import torch

from acn_eval.engine.choice import EngineChoice
from acn_eval.engine.ray_tasks import RayTasks
from acn_eval.errors import ConfigError, MeasureError
from tests.engine.clusters import cluster
from tests.engine.tasks import Counting

CPU = torch.device("cpu")
pytestmark = pytest.mark.slow


def silent(task, more, kept=0):
    pass


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


@pytest.mark.parametrize("token", ["", "b" * 64], ids=["none", "another"])
def test_another_token_is_one_line_within_seconds(joined, monkeypatch, token):
    monkeypatch.setenv("RAY_AUTH_TOKEN", token)
    start = time.monotonic()
    with pytest.raises(MeasureError, match=r"got: another token than RAY_AUTH_TOKEN\.$"):
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
