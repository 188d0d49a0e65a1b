"""`acn-eval pruning`: from options to a table of sparsities, a run, a figure, and a file."""

import sys

import mlflow
import pytest

from tests.studies.pruning.plans import JOB, QUICK, UNITS
from tests.tiny import run

pytestmark = pytest.mark.usefixtures("suite")


def test_units_need_an_extra_and_cannot_be_more_than_there_are(refused, folder, monkeypatch):
    given = ("--suite", "units.yaml")
    (folder / "units.yaml").write_text(UNITS.replace("0.4", "0.5"))
    assert "sparsities of structured must be below 0.471" in refused(2, *QUICK, *given)
    monkeypatch.setitem(sys.modules, "torch_pruning", None)
    assert "pip install 'acn-eval[structured]'" in refused(2, *QUICK, *given)
    assert not (folder / "acn-results").exists()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("--method", "magnitude"), "must be given with --method and --sparsity, all three"),
        (
            ("--export", "a.pt", "--method", "mgnitude", "--sparsity", "0.5"),
            "--method: must be one of magnitude, movement_40; got mgnitude",
        ),
        (
            ("--export", "a.pt", "--method", "movement_40", "--sparsity", "0.5"),
            "--sparsity: must be one of 0, 0.4; got 0.5",
        ),
        (
            ("--export", "a.bin", "--method", "magnitude", "--sparsity", "0.5"),
            "--export: must end in .pt or .safetensors; got a.bin",
        ),
        (
            ("--export", "tiny_ac.pt", "--method", "magnitude", "--sparsity", "0.5"),
            "--export: must be another file than the checkpoint",
        ),
        (("--suite", "robustness"), "--suite: must be of kind pruning; got robustness"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_measured(refused, folder, given, says):
    assert says in refused(2, *QUICK, *given)
    assert not (folder / "acn-results").exists()


@pytest.mark.slow
def test_it_ends_in_a_run_and_a_figure(folder):
    """A process of its own, as users have it."""
    code, _, err = run(folder, *JOB, "--limit", "60")
    assert (code, err) == (0, "")
    for name in ("accuracy.svg", "charts.svg"):
        assert len(list(folder.glob(f"acn-results/*/{name}"))) == 3
    client = mlflow.MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    ids = [e.experiment_id for e in client.search_experiments()]
    runs = client.search_runs(ids)
    arm = next(r for r in runs if r.data.tags.get("acn_eval.checkpoint") == "tiny_ac")
    history = client.get_metric_history(arm.info.run_id, "acc/clean_magnitude")
    assert sorted(m.step for m in history) == [0, 500, 900]
    assert any(key.startswith("parameters_that_are_not_zero/") for key in arm.data.metrics)
