"""The printed verdict, its JSON, and that nobody takes its results for complete ones."""

import json

import pytest

from acn_eval.errors import TrackingError
from acn_eval.evaluation import DataSelection
from acn_eval.run_options import RunOptions
from acn_eval.terminal.options import Output
from acn_eval.terminal.sequential import measure_in_blocks
from acn_eval.tracking.record import Recorder
from tests.gate.shop import open_shop

JOB = ("robustness", "--suite", "small.yaml", "--device", "cpu", "--sequential")
STOPS = (*JOB, "--ckpt", "damaged.pt", "--baseline", "tiny_ac.pt", "--data", "npz:all.npz")


@pytest.fixture
def shop(folder):
    return open_shop(folder)


def test_a_stop_says_what_it_saved_and_is_no_complete_result(shop, call):
    code, out, _ = call(*STOPS, "--json", "found.json")
    assert code == 0
    first, second, empty, saved, about, *rest = out.splitlines()
    assert first.startswith("damaged has lower corrupted accuracy than tiny_ac: mean corrupted ")
    assert "(95 % interval that is valid at any stop, over 256 of 1,797 examples)" in second
    assert empty == ""
    assert saved == (
        "Verdict after 256 of 1,797 examples, which saves 86 % of 17,970 forward passes."
    )
    assert about.startswith("It is about mean corrupted accuracy alone. ")
    assert "  ! stopped after 256 of 1,797 examples: only limits that are valid at any" in out
    assert rest[-1] == "not recorded in MLflow: stopped early"
    found = json.loads((shop / "found.json").read_text())
    assert "comparison" not in found
    assert found["interim"]["forward_passes"] == {"done": 2560, "saved": 15_410}
    assert (found["interim"]["verdict"], found["interim"]["shown"]) == ("lower", 256)
    assert [r["details"]["stopped_early"]["of"] for r in found["results"]] == [1797, 1797]
    assert call(*STOPS, "--no-track", "-q")[1] == f"{first}\n"  # from the cache
    code, _, said = call("compare", *found["folders"].values())
    assert (code, "got one that was stopped after 256" in said) == (2, True)


def test_complete_results_are_recorded_and_a_store_that_fails_loses_nothing(
    folder, capsys, monkeypatch
):
    asked = RunOptions(
        ("tiny_ac.pt",), ("tiny_res.pt",), "small.yaml", data=DataSelection(limit=20), device="cpu"
    )

    said = []

    def refuse(done, options, recorder):
        said.append(capsys.readouterr().out)
        assert [len(r.cells[0].ids) for r in done.results] == [20, 20]
        raise TrackingError("no store")

    monkeypatch.setattr("acn_eval.workflow.record", refuse)
    with pytest.raises(TrackingError):
        measure_in_blocks(asked, Output(), Recorder.__new__(Recorder), kind="robustness")
    (out,) = said
    assert "Verdict after all 20 examples, in one look." in out
    assert "stopped after" not in out
    assert capsys.readouterr().out == ""


def test_a_folder_of_stopped_results_is_told_why_it_is_not_taken(shop, call):
    assert call(*STOPS, "--no-track", "--out", "early")[0] == 0
    for command in ("compare", "report", "upload"):
        code, _, said = call(command, "early")
        assert code == 2
        assert "got one that was stopped after 256. Evaluate it without --sequential." in said


def test_seeds_need_all_examples(folder, call):
    code, _, said = call(*JOB, "--ckpt", "tiny_ac.pt,tiny_res.pt", "--no-baseline")
    assert code == 2
    assert "--sequential: must be about one candidate and one baseline; got 2 and 0" in said
