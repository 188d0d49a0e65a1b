"""A version that plain MLflow registers gets its verdict from a server as people run it."""

import os
import urllib.request

import psutil
import pytest
import safetensors.torch
import timm
import yaml

from acn_eval.client import Client
from tests.service.serving import serving, until

NAME = "vit_tiny_patch16_224"
SMALL = {"img_size": 8, "patch_size": 4, "embed_dim": 12, "depth": 1, "num_heads": 1}
PROFILE = """\
profiles:
  - name: main
    models: "small-*"
    baseline: {baseline}
    promote: champion
    data: {{name: digits, class_order: position}}
"""
POLL = 0.5


@pytest.fixture
def weights(tmp_path):
    """Weights of a library's network with the card beside them."""
    file = tmp_path / "net.safetensors"
    network = timm.create_model(NAME, num_classes=10, **SMALL)
    safetensors.torch.save_file(network.state_dict(), file)
    card = {"model": f"timm:{NAME}", "arguments": SMALL, "classes": [*"0123456789"]}
    file.with_suffix(".card.yaml").write_text(yaml.safe_dump(card))
    return file


def register(uri, model, *files):
    """What docs/registry.md shows: calls of MLflow alone, as from another terminal."""
    from mlflow import MlflowClient

    client = MlflowClient(uri, registry_uri=uri)
    run = client.create_run(client.create_experiment(model)).info.run_id
    for file in files:
        client.log_artifact(run, str(file), "model")
    client.create_registered_model(model)
    return client, client.create_model_version(model, f"runs:/{run}/model", run).version


def tags(client, model, version):
    held = client.get_model_version(model, version).tags
    return {name.removeprefix("acn_eval."): value for name, value in held.items()}


def final(client, model, version):
    found = tags(client, model, version)
    return found if found.get("state") not in {None, "queued", "running"} else None


def page(address):
    with urllib.request.urlopen(
        urllib.request.Request(address, headers={"Accept": "text/html"})
    ) as answer:
        return answer.read().decode()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_registered_version_gets_its_verdict(tmp_path, mlflow_server, weights):
    model, uri = f"small-{os.getpid()}", mlflow_server.uri
    files = (weights, weights.with_suffix(".card.yaml"))
    register(uri, f"base-{os.getpid()}", *files)
    baseline = f"models:/base-{os.getpid()}/1"
    (tmp_path / "service.yaml").write_text(PROFILE.format(baseline=baseline))
    options = ("--config", "service.yaml", "--poll", POLL, "--tracking-uri", uri)
    with serving(tmp_path, *options) as server:
        client, version = register(uri, model, *files)
        told = until(lambda: final(client, model, version), 110)
        assert told["state"] == "done", "\n".join(map(str, told.items()))
        assert (told["gate"], told["profile"]) == ("pass", "main")
        assert (told["gate_baseline"], told["job"]) == (baseline, "1")
        assert told["report"] == f"{server.address}/jobs/1/report"
        assert client.get_model_version_by_alias(model, "champion").version == version
        asked = Client(server.address)
        require_answers(asked, client, told)
        assert asked.job(1).model == model
        shown = page(f"{server.address}/models/{model}")
        assert "PASS" in shown
        assert told["sentence"] in shown
        family = server.family
        assert len(family) >= 1
        assert server.end() == 0, server.printed
        assert psutil.wait_procs(family, 10)[1] == []
    assert server.lines[-1] == "the service has ended"


def require_answers(asked, client, told):
    """The service answers what the tags say, and the runs are in MLflow."""
    job = asked.wait(1, timeout=10)
    assert (job.version, job.verdict, job.asked) == (1, "pass", 1)
    assert job.result["sentence"] == told["sentence"]
    assert job.result["candidate"]["sha256"] == job.result["baseline"]["sha256"]
    assert asked.verdict(1)["verdict"] == "pass"
    ready = asked.ready()
    assert ready["ready"], ready
    runs = [client.get_run(run) for run in job.result["runs"].values()]
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert job.result["candidate"]["key"] in {run.data.tags["acn_eval.key"] for run in runs}
