"""Webhooks are hints, taken once and only from the registry."""

import base64
import hashlib
import hmac
import http.server
import json
import threading
import time
import uuid

import pytest

from acn_eval.service.hooks import BYTES, HookRefused, Hooks
from acn_eval.stores import TrackingStore

KEY = "correct horse"
NOW = 1_800_000_000.0
CREATED = json.dumps({"entity": "model_version", "action": "created", "data": {}}).encode()


def signed(body=CREATED, *, secret=KEY, at=NOW, name=str):
    """Headers as MLflow makes them: a test below takes those of a real server."""
    delivery, timestamp = str(uuid.uuid4()), str(int(at))
    text = f"{delivery}.{timestamp}.".encode() + body
    digest = hmac.new(secret.encode(), text, hashlib.sha256).digest()
    return {
        name("X-MLflow-Signature"): f"v1,{base64.b64encode(digest).decode()}",
        name("X-MLflow-Delivery-Id"): delivery,
        name("X-MLflow-Timestamp"): timestamp,
    }


@pytest.fixture
def hooks(database):
    return Hooks(database, KEY)


def refused(hooks, headers, body=CREATED, now=NOW):
    with pytest.raises(HookRefused) as caught:
        hooks.receive(headers, body, now)
    return caught.value.status, str(caught.value)


def test_a_webhook_is_taken_once(hooks):
    headers = signed(name=str.lower)
    assert hooks.receive(headers, CREATED, NOW) == "accepted"
    assert hooks.receive(headers, CREATED, NOW + 60) == "replayed"
    assert hooks.receive(signed(), CREATED, NOW) == "accepted"


@pytest.mark.parametrize("seconds", [-899, 899])
def test_clocks_may_differ_by_minutes(hooks, seconds):
    assert hooks.receive(signed(), CREATED, NOW + seconds) == "accepted"


@pytest.mark.parametrize("seconds", [-902, 902, 10**9])
def test_an_old_one_is_refused_and_so_is_one_from_the_future(hooks, seconds):
    assert refused(hooks, signed(), now=NOW + seconds)[0] == 401


@pytest.mark.parametrize(
    "changed",
    [
        {"X-MLflow-Signature": None},
        {"X-MLflow-Signature": ""},
        {"X-MLflow-Signature": "v1,"},
        {"X-MLflow-Signature": "v1,not base64"},
        {"X-MLflow-Signature": "v1,é"},
        {"X-MLflow-Signature": "v2,AAAA"},
        {"X-MLflow-Delivery-Id": None},
        {"X-MLflow-Delivery-Id": str(uuid.UUID(int=7))},
        {"X-MLflow-Delivery-Id": "a.b"},
        {"X-MLflow-Delivery-Id": "x" * 101},
        {"X-MLflow-Timestamp": None},
        {"X-MLflow-Timestamp": str(int(NOW) + 1)},
        {"X-MLflow-Timestamp": "٣"},
        {"X-MLflow-Timestamp": "-1"},
        {"X-MLflow-Timestamp": "9" * 13},
    ],
    ids=str,
)
def test_what_is_forged_is_refused(hooks, changed):
    headers = {name: value for name, value in (signed() | changed).items() if value is not None}
    assert refused(hooks, headers)[0] == 401


def test_another_secret_or_another_body_is_refused(hooks, database):
    assert refused(hooks, signed(secret="guessed")) == (
        401,
        "webhook: must be signed with ACN_EVAL_WEBHOOK_SECRET",
    )
    assert refused(hooks, signed(), body=CREATED + b" ")[0] == 401
    assert refused(Hooks(database, None), signed())[0] == 403
    assert refused(Hooks(database, ""), signed(secret=""))[0] == 403
    assert KEY not in repr(hooks)


def test_a_body_has_a_limit_before_anything_is_computed(hooks):
    assert refused(hooks, {}, body=b" " * (BYTES + 1))[0] == 413


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"[" * 100_000,
        b"\xff",
        b'{"entity": {"a": 1}, "action": ["created"]}',
        b'{"entity": "model_version_tag", "action": "set"}',
        b'{"entity": "prompt", "action": "created"}',
        b'{"entity": "moon", "action": "risen"}',
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_says_nothing_of_versions_is_taken_and_ignored(hooks, body):
    assert hooks.receive(signed(body), body, NOW) == "ignored"


@pytest.fixture
def receiver(database):
    """A server that hands what it gets to `Hooks`; yields its address and what came of it."""
    hooks, came = Hooks(database, KEY), []
    arrived = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            entity = json.loads(body)["entity"]
            came.append((entity, hooks.receive(dict(self.headers), body, time.time())))
            if len(came) == 1:
                self.send_response(503)  # MLflow sends it again, signed as before
            else:
                self.send_response(204)
            self.end_headers()
            if len(came) >= 3:
                arrived.set()

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", came, arrived
        server.shutdown()


@pytest.mark.slow
def test_a_real_server_s_real_webhook_is_taken_and_its_retry_is_a_replay(
    receiver, mlflow_store, monkeypatch
):
    from cryptography.fernet import Fernet
    from mlflow.entities.webhook import WebhookAction, WebhookEntity, WebhookEvent

    from acn_eval.tracking import serving

    url, came, arrived = receiver
    monkeypatch.setenv("MLFLOW_WEBHOOK_ALLOWED_SCHEMES", "http,https")
    monkeypatch.setenv("MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS", "true")
    monkeypatch.setenv("MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY", Fernet.generate_key().decode())
    with serving(mlflow_store, port=0) as server:
        client = TrackingStore(server.address).client()
        events = [
            WebhookEvent(WebhookEntity.MODEL_VERSION, WebhookAction.CREATED),
            WebhookEvent(WebhookEntity.MODEL_VERSION_TAG, WebhookAction.SET),
        ]
        client.create_webhook("acn-eval", url, events, secret=KEY)
        client.create_registered_model("vit")
        run = client.create_run("0").info
        version = client.create_model_version("vit", f"{run.artifact_uri}/net", run.run_id)
        client.set_model_version_tag("vit", str(version.version), "a", "b")
        assert arrived.wait(60), came
    assert sorted(result for _, result in came)[-1] == "replayed"
    assert {("model_version", "accepted"), ("model_version_tag", "ignored")} < {*came}
