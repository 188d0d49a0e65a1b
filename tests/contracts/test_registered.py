"""Every command that takes a checkpoint takes it from a real MLflow store."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from acn_eval.checkpoints import load
from tests.checkpoints.library_files import network, with_card
from tests.contracts.test_studies import JOBS as STUDIES
from tests.gate.shop import GATE
from tests.stores.shelves import client_at, client_in, logged_model, registered, shelved
from tests.tiny import SUITE

FIVE = ("--data", "digits", "--classes", "5-9")
LIMIT = ("--limit", "60", "--device", "cpu")
PROBE = {"kind": "low_data", "name": "few", "mode": "probe", "per_class": [2, 4], "draws": 2}
SUITES = {name: STUDIES[name][0] for name in ("compression", "pruning", "transfer")}
SUITES |= {"robustness": yaml.safe_load(SUITE), "low_data": PROBE}
JOBS = {
    "robustness": (),
    "compression": (),
    "pruning": (),
    "transfer": FIVE,
    "low_data": FIVE,
}
OURS = ("--ckpt", "models:/ac@champion", "--baseline", "models:/res/1")


@pytest.fixture(scope="module")
def store(tiny, tmp_path_factory):
    """A store with versions of the tiny pair and of a ViT of timm."""
    folder = tmp_path_factory.mktemp("store")
    client = client_in(folder)
    shelved(client, "ac", tiny / "tiny_ac.pt")
    client.set_registered_model_alias("ac", "champion", "1")
    shelved(client, "res", tiny / "tiny_res.pt")
    weights = with_card(folder / "vit.safetensors", network(10).state_dict(), data="digits")
    shelved(client, "vit", weights, folder / "vit.card.yaml")
    return f"sqlite:///{folder / 'mlflow.db'}"


@pytest.fixture
def shop(store, tmp_path, monkeypatch):
    """A folder without any checkpoint."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.setenv("ACN_EVAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("acn_eval.workflow.running.draw_missing", lambda *arguments: None)
    (tmp_path / "small.yaml").write_text(SUITE)
    return tmp_path


def results(folder):
    found = [json.loads(p.read_text()) for p in folder.glob("acn-results/*/result.json")]
    return {each["checkpoint"]["name"]: each["checkpoint"] for each in found}


@pytest.mark.parametrize("kind", JOBS)
def test_a_pair_of_versions_is_measured(shop, call, kind):
    Path("suite.yaml").write_text(yaml.safe_dump(SUITES[kind]))
    job = (kind.replace("_", "-"), "--suite", "suite.yaml", *JOBS[kind], *LIMIT, "--no-track")
    code, _, err = call(*job, *OURS)
    assert (code, err) == (0, "")
    found = results(shop)
    assert {name.split()[0] for name in found} == {"ac_v1", "res_v1"}  # low data adds its draws
    ours = next(each for name, each in found.items() if name.startswith("ac_v1"))
    assert ours["uri"] == "models:/ac/1"


@pytest.mark.parametrize("kind", ["robustness", "compression", "transfer"])
def test_a_network_of_a_library_is_measured(shop, call, kind):
    Path("suite.yaml").write_text(yaml.safe_dump(SUITES[kind]))
    job = (kind, "--suite", "suite.yaml", *JOBS[kind], *LIMIT, "--class-order", "position")
    code, _, err = call(*job, "--ckpt", "models:/vit/1", "--no-baseline", "--no-track")
    assert (code, err) == (0, "")
    assert results(shop)["vit_v1"]["uri"] == "models:/vit/1"


def test_a_gate_judges_registers_and_finds_versions_again(shop, call):
    (shop / "gate.yaml").write_text(GATE)
    job = ("gate", "--suite", "gate.yaml", "--device", "cpu", "-q")
    same = ("--ckpt", "models:/ac/1", "--baseline", "models:/ac@champion")
    code, out, err = call(*job, *same, "--register", "prod")
    assert (code, err) == (0, "")
    assert "PASS: ac_v1 and ac_v1 are identical" in out
    code, out, err = call(*job, "--ckpt", "models:/res/1", "--baseline", "models:/prod/1")
    assert code in {0, 1, 3}
    assert err == ""
    assert "ac_v1" in out


def test_a_plan_and_a_training_that_observes_read_it(shop, call):
    (shop / "gate.yaml").write_text(GATE)
    code, out, err = call("plan", "--suite", "gate.yaml", "--ckpt", "models:/ac/1", *LIMIT)
    assert (code, err) == (0, "")
    assert "60" in out
    Path("suite.yaml").write_text(yaml.safe_dump(STUDIES["dynamics"][0]))
    job = ("dynamics", "--suite", "suite.yaml", "--ckpt", "models:/ac/1", *LIMIT, "--no-track")
    code, out, err = call(*job)
    assert (code, err) == (0, "")
    assert "ac_v1" in out


def test_the_store_is_that_of_the_command(shop, store, call, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    job = ("robustness", "--suite", "small.yaml", *LIMIT, *OURS, "--no-track")
    assert call(*job)[0] == 2
    assert call(*job, "--tracking-uri", store)[0] == 0


@pytest.mark.filterwarnings("ignore")  # those of MLflow itself
def test_what_mlflow_logged_is_refused_and_measured_after_convert(shop, store, call, refused):
    logged_model(store, network(10), "pickle")
    copied = registered(client_at(store), "copied", "models:/vit/2")
    job = ("robustness", "--suite", "small.yaml", "--data", "digits", *LIMIT, "--no-track")
    call("list", "metrics")  # MLflow has said something of its own
    for address in ("models:/vit/2", copied):
        line = refused(2, *job, "--ckpt", address, "--no-baseline")
        assert "acn-eval convert --trust SOURCE OUT.safetensors" in line
    code, _, err = call("convert", "--trust", "models:/vit/2", "own.safetensors")
    assert (code, err) == (0, "")
    alone = ("--no-baseline", "--class-order", "position")
    assert call(*job, "--ckpt", "own.safetensors", *alone)[0] == 0
    image = torch.ones(1, 3, 24, 24)
    with torch.no_grad():
        assert torch.equal(load("own.safetensors").model(image), network(10)(image))


def test_what_the_page_logs_is_a_version_that_is_read(tmp_path):
    """In a process of its own: MLflow keeps the experiment that another test has named."""
    page = (Path(__file__).parents[2] / "docs" / "registry.md").read_text()
    (block,) = re.findall(r"^```python\n(import mlflow\n.*?)^```$", page, re.DOTALL | re.MULTILINE)
    with_card(tmp_path / "net.safetensors", network(10).state_dict())
    store = f"sqlite:///{tmp_path / 'mlflow.db'}"
    env = {**os.environ, "MLFLOW_TRACKING_URI": store}
    subprocess.run([sys.executable, "-c", block], cwd=tmp_path, env=env, check=True, timeout=100)
    assert load("models:/vit/1", tracking_uri=store).id.name == "vit_v1"
