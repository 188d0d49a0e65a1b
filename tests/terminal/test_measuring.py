"""Results are saved, printed and recorded in this order; a failure loses nothing before it."""

import pytest

from acn_eval import DataSelection, RunOptions, workflow
from acn_eval.stores.store import resolve_store
from acn_eval.terminal.measuring import conclude
from acn_eval.terminal.options import Output
from acn_eval.tracking.record import Recorded
from tests.tiny import run

JOB = ("robustness", "--no-track", "--device", "cpu")


GOOD = (*JOB, "--ckpt", "tiny_ac.pt", "--suite", "small.yaml", "--limit", "8")


def test_a_dead_tracking_server_loses_nothing(folder):
    """Measured, said, kept; then one line that says how to record it, and 4."""
    arguments = [a for a in GOOD if a != "--no-track"]
    code, out, err = run(folder, *arguments, "--tracking-uri", "http://127.0.0.1:9")
    assert code == 4
    assert len(err.splitlines()) == 1, err
    assert "acn-eval upload" in err
    assert "mean corrupted" in out
    assert len(list(folder.glob("acn-results/*/*.json"))) == 3


@pytest.fixture(scope="module")
def groups(tiny):
    options = RunOptions(
        candidates=(str(tiny / "tiny_ac.pt"),),
        baselines=(str(tiny / "tiny_res.pt"),),
        data=DataSelection(limit=8),
        device="cpu",
    )
    return workflow.evaluate(options)


class Spy:
    """Stands in for the process that records: it notes what was printed before."""

    def __init__(self, printed, folder):
        self.printed, self.store = printed, resolve_store(None, cwd=folder)
        self.before = None

    def record(self, results, comparisons, *, artifacts):
        self.before = self.printed()
        assert all((artifacts[result.key] / "result.json").exists() for result in results)
        return Recorded(self.store, {}, {})


def test_the_answer_is_saved_and_printed_before_it_is_recorded(groups, folder, capsys):
    spy = Spy(lambda: capsys.readouterr().out, folder)
    conclude(groups, RunOptions(out=folder / "kept"), Output(), spy)
    assert groups[0].candidates[0].checkpoint.name in spy.before
    assert f"results: {folder}/kept\n" in spy.before
    assert "MLflow" not in spy.before
    assert "in MLflow: sqlite:///" in capsys.readouterr().out


def test_what_cannot_be_printed_is_recorded_all_the_same(groups, folder, monkeypatch):
    spy = Spy(str, folder)
    with (folder / "closed").open("w") as file, monkeypatch.context() as patch:
        patch.setattr("sys.stdout", file)
        file.close()
        with pytest.raises(ValueError, match="closed file"):
            conclude(groups, RunOptions(out=folder / "kept"), Output(), spy)
    assert spy.before == ""
