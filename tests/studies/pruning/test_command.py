"""`acn-eval pruning`: from options to a table of sparsities, a run, a figure, and a file."""

import json
import re
import sys

import mlflow
import pytest

from acn_eval.checkpoints import load
from acn_eval.results import EvalResult
from acn_eval.studies.pruning.masks import zeros_in
from tests.tiny import run

SUITE = """\
kind: pruning
name: small_pruning
sparsities: [0, 0.5, 0.9]
methods:
  - {kind: magnitude}
  - {kind: movement, removed: 0.4, epochs: 1, steps: 2}
  - {kind: magnitude, blocks: 1}
seconds: 0.000001
"""
LABELS = ("structured", "structured tuned")
JOB = ("pruning", "--ckpt", "tiny_ac.pt", "--suite", "prune.yaml", "--device", "cpu")
UNITS = """\
kind: pruning
name: units
sparsities: [0, 0.2, 0.4]
methods:
  - {kind: structured}
  - {kind: structured, steps: 2}
seconds: 0.000001
"""
QUICK = (*JOB, "--limit", "60", "--no-track")


@pytest.fixture(autouse=True)
def suite(folder):
    (folder / "prune.yaml").write_text(SUITE)
    (folder / "units.yaml").write_text(UNITS)


def rows(out):
    lines = [
        line
        for line in out.splitlines()
        if re.match(r"(magnitude|movement|structured) .*\[", line)
    ]
    return [line.split("  ")[0] for line in lines]


def test_every_sparsity_is_a_row_beside_the_twin_s(call, folder):
    code, out, err = call(*QUICK)
    assert (code, err) == (0, "")
    assert rows(out) == [
        "magnitude 0",
        "magnitude 0.5",
        "magnitude 0.9",
        "movement 40 0",
        "movement 40 0.4",
        "magnitude of 1 blocks 0",
        "magnitude of 1 blocks 0.5",
        "magnitude of 1 blocks 0.9",
    ]
    assert "Primary endpoint, area over sparsity" in out
    assert re.search(r"^.*tiny_ac .*tiny_res.*: area over sparsity", out, re.MULTILINE)
    found = [EvalResult.load(p.parent) for p in folder.glob("acn-results/*/result.json")]
    shares = {r["realised"] for f in found for r in f.details["networks"]}
    assert all(f"{100 * share:.3f} %" in out for share in shares if share in (0.0, 0.5))
    assert "Zeros save neither dense FLOPs nor time" in out


def test_alone_it_shows_accuracies(call):
    code, out, _ = call(*QUICK, "--no-baseline")
    assert code == 0
    assert len(rows(out)) == 8
    assert "tiny_res" not in out


@pytest.mark.parametrize(
    ("method", "sparsity", "name"),
    [("magnitude", "0.9", "small.pt"), ("movement_40", "0.4", "small.safetensors")],
)
def test_the_file_has_the_sparsity_that_is_reported(call, folder, method, sparsity, name):
    given = ("--export", name, "--method", method, "--sparsity", sparsity, "--no-baseline")
    code, out, _ = call(*QUICK, *given, "--json", "out.json")
    assert code == 0
    written = load(name)
    (result,) = json.loads((folder / "out.json").read_text())["results"]
    (row,) = [
        r
        for r in result["details"]["networks"]
        if (r["method"], r["requested"], r["blocks"]) == (method, float(sparsity), None)
    ]
    assert zeros_in(written.model) == row["realised"]
    share = f"{row['realised']:.6f} of its prunable weights are zero"
    assert f"{name}: tiny_ac pruned by {method} at {sparsity}, {share}" in " ".join(out.split())
    source = load("tiny_ac.pt").id.sha256
    assert written.native.card.origin == f"{source} pruned by {method} at {sparsity}, {share}"
    assert written.pair is None


@pytest.mark.parametrize("method", ["structured", "structured_tuned"])
def test_units_that_go_make_a_smaller_network_and_file(call, folder, method):
    given = ("--suite", "units.yaml", "--export", "small.pt", "--method", method)
    code, out, _ = call(*QUICK, *given, "--sparsity", "0.4", "--json", "out.json")
    assert code == 0
    assert rows(out) == [f"{m} {s}" for m in LABELS for s in ("0", "0.2", "0.4")]
    assert "Structured pruning removes whole hidden units" in out
    assert "Zeros save neither" not in out
    assert len(re.findall(r"^tiny_\w+, structured +\d", out, re.MULTILINE)) == 6
    (row,) = [
        r
        for r in json.loads((folder / "out.json").read_text())["results"][0]["details"]["networks"]
        if (r["method"], r["requested"]) == (method, 0.4)
    ]
    assert f"{row['parameters']:,}" in out
    written = load("small.pt")
    assert written.id.parameters == row["parameters"] < load("tiny_ac.pt").id.parameters
    assert written.native.card.origin.endswith(
        f"pruned by {method} at 0.4, {row['realised']:.6f} of its prunable weights are gone"
    )


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
