"""A study that acn-eval has never heard of: an installed package, from its command to the gate.

`study/` is that package, of files with fixed names and the metadata of a wheel. What every study
keeps is in tests/contracts/test_studies.py, which asks this one as well.
"""

import json
import re
from pathlib import Path

import mlflow
import numpy as np
import pytest
import torch

from acn_eval.checkpoints import load
from acn_eval.errors import ConfigError
from acn_eval.evaluation import DataSelection, choose
from acn_eval.results import EvalResult
from acn_eval.studies.table import studies, study

GATE = "kind: gate\nname: turned_gate\nsuite: turned.yaml\nmargins: {primary: 0.5}\n"


@pytest.fixture(autouse=True)
def toy(monkeypatch, folder):
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "study"))
    (folder / "turned.yaml").write_text("kind: rotation\nname: turned\nturns: 1\n")
    (folder / "gate.yaml").write_text(GATE)


JOB = ("rotation", "--ckpt", "tiny_ac.pt", "--suite", "turned.yaml", "--device", "cpu")


def test_the_numbers_are_those_of_a_loop(call, folder):
    assert call(*JOB, "--limit", "60", "--no-track", "--json", "out.json")[0] == 0
    document = json.loads((folder / "out.json").read_text())
    assert [own["checkpoint"] for own in document["accuracies"]] == ["tiny_ac", "tiny_res"]
    examples, network = choose([], DataSelection(data="digits", limit=60)), load("tiny_ac.pt")
    images = examples.read(np.arange(60), network.prepare.spec).float() / 255
    with torch.inference_mode():
        turned = network.model(network.prepare(images.transpose(2, 3).flip(2))).argmax(1)
    expected = float((turned.numpy() == examples.labels).mean())
    rows = {row["name"]: row["estimate"]["value"] for row in document["accuracies"][0]["rows"]}
    assert rows["1 quarter turns"] == rows["mean of turned images"] == pytest.approx(expected)


def test_it_is_listed_and_its_suites_are_found_by_the_schema(call):
    assert re.search(r"rotation +Accuracy over quarter turns", call("--help")[1])
    assert '"Rotation"' in call("schema")[1]
    from acn_eval.studies import Rotation

    assert Rotation(name="mine").turns == 3


def test_it_is_recorded_judged_and_reported(call, folder):
    assert call(*JOB)[0] == 0
    client = mlflow.MlflowClient(f"sqlite:///{folder}/mlflow.db")
    runs = client.search_runs([own.experiment_id for own in client.search_experiments()])
    assert "mean/of_turned_images" in {name for run in runs for name in run.data.metrics}
    first, second = sorted(file.parent for file in folder.glob("acn-results/*/result.json"))
    sides = ("--result", first, "--against", second)
    code, out, _ = call("gate", "--suite", "gate.yaml", *sides)
    assert code in {0, 1, 3}
    assert "mean of turned images" in out
    assert call("report", "acn-results", "--out", "page.html")[0] == 0
    assert "quarter turns" in (folder / "page.html").read_text()
    assert EvalResult.load(first).suite["kind"] == "rotation"


def test_a_kind_that_nobody_installed_is_refused_with_all_there_are():
    assert list(studies())[-1] == "rotation"
    with pytest.raises(ConfigError, match=r"one of robustness, .*, rotation; got odd"):
        study("odd")


def test_a_package_that_cannot_be_imported_is_one_line(tmp_path, monkeypatch):
    info = tmp_path / "broken-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[acn_eval.studies]\nbroken = no_such_package\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError, match="broken: no_such_package must be importable"):
        studies()
