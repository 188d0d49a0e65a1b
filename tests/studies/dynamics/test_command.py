"""`acn-eval dynamics`: what it prints and keeps, and that a kill costs nothing but time."""

import re

import pytest
import yaml

from acn_eval.results import EvalResult
from tests.cli.test_processes import outcomes, wait_for
from tests.studies.dynamics.plans import suite
from tests.tiny import run, start

JOB = ("dynamics", "--suite", "watch.yaml", "--device", "cpu")


def write(folder, **changes):
    record = suite(**changes).model_dump(mode="json")
    (folder / "watch.yaml").write_text(yaml.safe_dump(record))


@pytest.fixture
def watch(folder):
    write(folder)
    return folder


def results(folder):
    return [EvalResult.load(p.parent) for p in sorted(folder.glob("acn-results/*/result.json"))]


def test_quiet_is_a_line_per_network(watch, call):
    code, out, err = call(*JOB, "--no-track", "-q")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert len(lines) == 2
    for line, result in zip(lines, results(watch), strict=True):
        (last,) = (cell for cell in result.cells if cell.primary)
        name, value = result.checkpoint.name, 100 * last.values.mean()
        assert re.fullmatch(
            rf"{name}: last exit {value:.1f} \[[\d., ]+\] % \(95 % interval, n = 352\)\.", line
        )


def test_a_finished_checkpoint(watch, call):
    code, out, err = call(*JOB, "--no-track", "--ckpt", "tiny_ac.pt", "--limit", "50")
    assert (code, err) == (0, "")
    assert re.search(r"^tiny_ac +digits test %, n = 50 +validation % at step 60 ", out, re.M)
    (result,) = results(watch)
    assert result.data.n == 50
    assert len(outcomes(watch)) == 1  # what was observed: nothing was trained


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--suite", "robustness"), "must be of kind dynamics; got robustness"),
        (("--suite", "watch.yaml", "--data", "digits"), "--data: needs --ckpt"),
        (("--ckpt", "tiny_acc.pt"), "tiny_acc.pt: must be a checkpoint file"),
        (("--ckpt", "tiny_ac.pt", "--arch", "official/ac-mixer"), "tiny_ac.pt: must be"),
        (("--suite", "wrong.yaml"), "connectivities must differ; got acn, acn"),
    ],
)
def test_what_cannot_be_run(watch, refused, arguments, message):
    record = yaml.safe_load((watch / "watch.yaml").read_text())
    wrong = {**record, "connectivities": ["acn", "acn"]}
    (watch / "wrong.yaml").write_text(yaml.safe_dump(wrong))
    assert message in refused(2, "dynamics", *arguments, "--no-track")


def test_no_evaluation_can_run_it(watch, refused):
    got = refused(2, "robustness", "--ckpt", "tiny_ac.pt", "--suite", "watch.yaml", "--no-track")
    assert "must be of kind robustness; got dynamics. Use acn-eval dynamics." in got


@pytest.mark.slow
def test_a_run_survives_kill_9(watch, call):
    """Killed in its second training; the same command ends with the same table."""
    write(watch, recipe={"steps": 100})
    whole = call(*JOB, "--no-track", "--no-cache", "--out", "whole/acn-results")
    for path in watch.glob("cache/*/*"):
        path.unlink()
    process = start(watch, *JOB, "--no-track")
    wait_for(lambda: len(outcomes(watch)) >= 1, process)
    process.kill()
    process.communicate()
    assert not list(watch.glob("acn-results/*"))
    kept = outcomes(watch)
    assert len(kept) == 1
    code, out, err = call(*JOB, "--no-track")
    assert (code, err) == (0, "")
    assert out.replace("results: acn", "results: whole/acn") == whole[1]
    assert kept.items() <= outcomes(watch).items()
    assert len(outcomes(watch)) == 4


@pytest.mark.slow
def test_a_process_of_its_own_draws_and_records(watch):
    import mlflow

    code, out, err = run(watch, *JOB)
    assert (code, err) == (0, "")
    assert "in MLflow" in out
    for name in ("training", "gradients", "similarity", "accuracy"):
        assert len(list(watch.glob(f"acn-results/tiny_dynamics-*/{name}.svg"))) == 2
    client = mlflow.MlflowClient(f"sqlite:///{watch}/mlflow.db")
    (experiment,) = [e for e in client.search_experiments() if "tiny_dynamics" in e.name]
    runs = client.search_runs([experiment.experiment_id])
    assert {r.data.tags["acn_eval.connectivity"] for r in runs} == {"acn", "residual"}
    by_name = {r.checkpoint.name: r.details for r in results(watch)}
    for r in runs:
        history = client.get_metric_history(r.info.run_id, "step/exit_2")
        accuracy = by_name[r.data.tags["acn_eval.checkpoint"]]["validation"]["accuracy"]
        wanted = dict(zip([0, 2, 4, 6], [100 * row[2] for row in accuracy], strict=True))
        assert {m.step: m.value for m in history} == pytest.approx(wanted)
        assert client.get_metric_history(r.info.run_id, "step/direct_share_layer_1")
