"""A webhook of a real MLflow server brings a version its job long before the next look."""

import pytest

from acn_eval.client import Client
from acn_eval.service.hooks import SECRET
from acn_eval.stores import TrackingStore
from acn_eval.tracking import serving as mlflow_serving
from tests.service.registry import register
from tests.service.serving import serving, until

PROFILE = "profiles: [{name: main, baseline: res_vit.pt}]\n"
POLL = 3600
KEY = "correct horse"


@pytest.fixture
def registry(mlflow_store, monkeypatch):
    """A server that may send webhooks to this machine, and one version that is there already."""
    from cryptography.fernet import Fernet

    monkeypatch.setenv("MLFLOW_WEBHOOK_ALLOWED_SCHEMES", "http,https")
    monkeypatch.setenv("MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS", "true")
    monkeypatch.setenv("MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY", Fernet.generate_key().decode())
    register(mlflow_store)
    with mlflow_serving(mlflow_store, port=0) as server:
        yield TrackingStore(server.address)


def versions(asked):
    return sorted(job.version for job in asked.jobs())


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_registered_version_gets_its_job_by_a_webhook(tmp_path, registry):
    from mlflow.entities.webhook import WebhookAction, WebhookEntity, WebhookEvent

    (tmp_path / "service.yaml").write_text(PROFILE)
    options = ("--config", "service.yaml", "--workers", 0, "--tracking-uri", registry.uri)
    with serving(tmp_path, *options, "--poll", POLL, **{SECRET: KEY}) as server:
        asked, client = Client(server.address), registry.client()
        until(lambda: versions(asked) == [1], 100)
        created = WebhookEvent(WebhookEntity.MODEL_VERSION, WebhookAction.CREATED)
        client.create_webhook("a", f"{server.address}/v1/hooks/mlflow", [created], secret=KEY)
        run = client.create_run("0").info
        client.create_model_version("vit", f"{run.artifact_uri}/net", run.run_id)
        until(lambda: versions(asked) == [1, 2], POLL / 60)
        assert server.end() == 0, server.printed
