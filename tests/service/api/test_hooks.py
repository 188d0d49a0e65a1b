"""Webhooks over HTTP: a signed one nudges the watcher, and no other does."""

import base64
import hashlib
import hmac
import time

import pytest

from acn_eval.service.hooks import SECRET

BODY = b'{"entity": "model_version", "action": "created", "data": {"name": "vit"}}'


class Watch:
    lag, nudges = 0.0, 0

    def nudge(self):
        self.nudges += 1


def signed(delivery, body=BODY, secret=b"s"):
    at = str(int(time.time()))
    digest = hmac.digest(secret, f"{delivery}.{at}.".encode() + body, hashlib.sha256)
    return {
        "X-MLflow-Signature": f"v1,{base64.b64encode(digest).decode()}",
        "X-MLflow-Delivery-Id": delivery,
        "X-MLflow-Timestamp": at,
    }


@pytest.fixture
def watched(asking, service, monkeypatch):
    monkeypatch.setenv(SECRET, "s")
    watch = Watch()
    return asking(service, watch), watch


def test_a_signed_webhook_lets_the_registry_be_read(watched):
    client, watch = watched
    headers = signed("d")
    answers = [client.post("/v1/hooks/mlflow", content=BODY, headers=headers) for _ in "ab"]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert [answer.json()["result"] for answer in answers] == ["accepted", "replayed"]
    assert watch.nudges == 1


def test_a_forged_webhook_does_nothing(watched):
    client, watch = watched
    answer = client.post("/v1/hooks/mlflow", content=BODY, headers=signed("d", secret=b"x"))
    assert answer.status_code == 401
    assert answer.json()["detail"] == f"webhook: must be signed with {SECRET}"
    assert watch.nudges == 0


def test_without_a_secret_all_are_refused(refused):
    refused(403, "POST", "/v1/hooks/mlflow", content=BODY, headers=signed("d"))
