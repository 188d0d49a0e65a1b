"""Each worker sees its own threads, and its own GPU where there are several."""

import pytest

from acn_eval.engine.choice import EngineChoice
from acn_eval.engine.places import places


def test_a_worker_has_its_threads():
    found = places(EngineChoice("processes", 3, 2), "cpu")
    assert [own["OMP_NUM_THREADS"] for own in found] == ["2"] * 3
    assert not any("CUDA_VISIBLE_DEVICES" in own for own in found)


@pytest.mark.parametrize(
    ("visible", "workers", "seen"),
    [("2,5", None, ["2", "5"]), ("2,5", 3, ["2", "5", "2"]), ("GPU-a,GPU-b", 1, ["GPU-a"])],
    ids=["all", "in turn", "by name"],
)
def test_workers_take_the_gpus_in_turn(monkeypatch, visible, workers, seen):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    found = places(EngineChoice("processes", workers), "cuda")
    assert [own["CUDA_VISIBLE_DEVICES"] for own in found] == seen


def test_a_gpu_that_is_named_is_that_of_all(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    found = places(EngineChoice("processes", 2), "cuda:1")
    assert not any("CUDA_VISIBLE_DEVICES" in own for own in found)
