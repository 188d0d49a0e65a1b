"""The whole API: a valid description, which holds for whatever is sent."""

import subprocess
import sys
from collections import Counter
from dataclasses import replace

import pytest
from openapi_spec_validator import validate

from acn_eval.service.api import create_app, events
from acn_eval.service.requests import Check
from acn_eval.service.settings import Settings
from acn_eval.service.workers import Workers

LIGHT = """
import sys
from acn_eval.service.api import create_app
found = [name for name in ("torch", "mlflow") if name in sys.modules]
assert not found, found
"""


def test_the_description_is_valid_and_names_problems(client):
    said = client.get("/openapi.json").json()
    validate(said)
    for path, methods in said["paths"].items():
        for method, route in methods.items():
            assert route["summary"], (method, path)
            if path.startswith("/v1"):
                assert "default" in route["responses"], (method, path)


def test_nothing_is_loaded_from_other_hosts(client):
    for path in ("/docs", "/redoc"):
        assert client.get(path).status_code == 404


def test_the_server_imports_no_torch():
    subprocess.run([sys.executable, "-c", LIGHT], check=True)


def filled(service):
    """Jobs in several states, so that numbers that are drawn find some."""
    for name in "abcd":
        service.jobs.submit(Check(name=name), by="me")
    service.jobs.cancel(1)
    left = {"report.html": b"<p>", "verdict.json": b"{}"}
    found = {"verdict": "pass", "test_set": "f"}
    service.jobs.finish(service.jobs.claim("w"), "done", result=found, documents=left)
    service.jobs.claim("w")


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_no_request_is_answered_with_an_error_of_the_server(service, mlflow_store, monkeypatch):
    """A property-based client draws 2,000 requests, valid ones and others."""
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as st
    from schemathesis import GenerationMode, openapi
    from schemathesis import checks as known

    monkeypatch.setattr(events, "_LONGEST", 0.05)
    held = replace(service, store=mlflow_store, settings=Settings(requests_per_minute=10**6))
    filled(held)
    app = create_app(held)

    async def local(scope, receive, send):
        others = [(name, value) for name, value in scope["headers"] if name != b"host"]
        headers = [(b"host", b"127.0.0.1"), *others]
        here = {"client": ("127.0.0.1", 50000), "headers": headers}
        await app({**scope, **here}, receive, send)

    schema = openapi.from_asgi("/openapi.json", local)
    drawn = [
        operation.ok().as_strategy(mode)
        for operation in schema.get_all_operations()
        for mode in GenerationMode
    ]
    checks = [
        known.not_a_server_error,
        known.response_schema_conformance,
        known.content_type_conformance,
    ]
    count = Counter()

    @settings(max_examples=2000, deadline=None, suppress_health_check=[*HealthCheck])
    @given(st.one_of(drawn))
    def ask(case):
        Workers(held.database).beat("w")
        answer = case.call_and_validate(checks=checks)
        count[answer.status_code] += 1

    ask()
    assert count.total() >= 2000
    assert {200, 202, 404, 422} <= count.keys()
