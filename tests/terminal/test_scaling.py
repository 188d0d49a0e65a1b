"""A plan for an engine says units, times, bytes and limits, and names no engine by default."""

import re

import pytest

from acn_eval import RunOptions
from acn_eval.engine.choice import EngineChoice
from acn_eval.terminal.costs import show_costs
from tests.studies.low_data.plans import suite as low_data


@pytest.fixture
def started(monkeypatch):
    monkeypatch.setattr("acn_eval.terminal.scaling.seconds_to_start", lambda: 2.5)


def test_workers_are_simulated_and_started_apart(folder, call, started):
    line = "plan --suite small.yaml --ckpt tiny_ac.pt --device cpu --limit 40 --workers 3"
    code, out, _ = call(*line.split())
    said = " ".join(out.split())
    assert code == 0
    assert re.search(r"processes: 10 units in 1 bundle, about \d+ ms each with 1 thread", said)
    rows = re.findall(r"^(\d+) +(\d+) +[\d.]+ m?s +[\d.]+ %$", out, re.M)
    assert [workers for workers, _ in rows] == ["1", "2", "3"]
    assert rows[0][1] == "1"
    assert re.search(r"[\d.]+ MB of networks once to each worker, [\d.]+ MB of examples", said)
    assert "A worker starts in about 2.5 s, which comes on top" in said


def test_a_run_in_this_process_has_no_such_table(folder, call):
    line = "plan --suite small.yaml --ckpt tiny_ac.pt --device cpu --limit 20"
    assert "workers" not in call(*line.split())[1]


def test_trainings_are_shared_out(folder, capsys, started):
    options = RunOptions(
        suite=low_data(), device="cpu", precision="fp32", engine=EngineChoice("processes", 2)
    )
    show_costs(options, kind="low_data")
    rows = re.findall(r"^(\d) +(\d+) +[\d.]+ m?s$", capsys.readouterr().out, re.M)
    assert [workers for workers, _ in rows] == ["1", "2"]
    assert int(rows[0][1]) > 1
