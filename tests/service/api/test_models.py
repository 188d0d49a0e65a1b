"""Models that jobs are about: listed by name, with verdicts by version."""

from dataclasses import replace

import pytest

from acn_eval.service.records import Target
from acn_eval.service.requests import Check
from tests.service.versions import submit_version


@pytest.fixture
def client(asking, service, either):
    """Versions 1 to 3 of `vit` and 1 of `bert`; `vit` 1 passed."""
    service = replace(service, database=either)
    for model, version in (("vit", 1), ("vit", 2), ("vit", 3), ("bert", 1)):
        target = Target("nightly", model, version, 1000 * version)
        submit_version(service.jobs, Check(), target)
    found = {"verdict": "pass", "test_set": "f"}
    service.jobs.finish(service.jobs.claim("w"), "done", result=found)
    return asking(service)


def test_models_are_listed_by_name(client):
    first = client.get("/v1/models?limit=1").json()
    assert first["items"] == [{"name": "bert", "versions": 1, "latest": 1, "verdicts": 0}]
    second = client.get("/v1/models", params={"after": first["next"]}).json()
    assert second["items"] == [{"name": "vit", "versions": 3, "latest": 3, "verdicts": 1}]
    assert second["next"] is None


def test_a_model_shows_the_history_of_its_verdicts(client, refused):
    first = client.get("/v1/models/vit?limit=2").json()
    assert [job["version"] for job in first["items"]] == [3, 2]
    last = client.get(f"/v1/models/vit?before={first['next']}").json()
    assert [(job["version"], job["verdict"]) for job in last["items"]] == [(1, "pass")]
    line = refused(404, "GET", "/v1/models/gpt")
    assert line == "gpt: must be a model that jobs are about; there is none"


def test_a_version_says_how_often_its_test_set_was_asked(client, refused):
    said = client.get("/v1/models/vit/versions/1").json()
    assert [job["state"] for job in said["jobs"]] == ["done"]
    (asked,) = said["test_sets"]
    assert (asked["test_set"], asked["asked"]) == ("f", 1)
    assert asked["advice"] == "This test set has given 1 verdict."
    assert client.get("/v1/models/vit/versions/2").json()["test_sets"] == []
    refused(404, "GET", "/v1/models/vit/versions/9")
