"""Suites and gates that requests may name."""

from dataclasses import replace

import pytest

from acn_eval.service.settings import Settings

GATE = "{kind: gate, name: own, description: Ours., margins: {primary: 0.02}}"


def test_suites_and_gates_are_listed(client):
    items = {item["name"]: item for item in client.get("/v1/suites").json()["items"]}
    assert items["robustness"]["kind"] == "robustness"
    assert items["gate"]["kind"] == "gate"
    assert items["robustness"]["description"]


def test_a_gate_of_the_service_is_shown_with_its_schema(asking, service, tmp_path, refused):
    path = tmp_path / "own.yaml"
    path.write_text(GATE)
    client = asking(replace(service, settings=Settings(suites=(str(path),))))
    said = client.get(f"/v1/suites/{path}").json()
    assert (said["kind"], said["content"]["margins"]) == ("gate", {"primary": 0.02})
    assert "margins" in said["json_schema"]["properties"]
    line = refused(404, "GET", "/v1/suites//etc/passwd")
    assert line == "/etc/passwd: must be a suite or gate that this service lists; there is none"


@pytest.mark.slow
def test_a_suite_is_shown_with_its_schema(client):
    said = client.get("/v1/suites/robustness").json()
    assert said["content"]["name"] == "robustness"
    assert "robustness" in said["json_schema"]["discriminator"]["mapping"]
