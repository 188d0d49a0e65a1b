"""Errors: one shape, one line, no traceback and no secret."""

from fastapi.testclient import TestClient

from acn_eval.errors import MeasureError
from acn_eval.service.access.outage import AWAY
from acn_eval.service.api import create_app


def test_addresses_and_methods_that_are_none(client, refused):
    line = refused(404, "GET", "/v2/jobs")
    assert line == "/v2/jobs: must be an address of this service; see /openapi.json"
    line = refused(405, "PUT", "/v1/jobs")
    assert line.startswith("/v1/jobs: must be asked with ")
    assert client.put("/v1/jobs").headers["allow"]


def test_a_database_that_is_gone_is_no_bug(service, client, refused):
    service.database.engine.dispose()
    (service.home / "service.db").unlink()
    line = refused(503, "GET", "/v1/jobs")
    assert line == AWAY  # and no address
    assert client.get("/v1/jobs").headers["retry-after"] == "10"


def test_errors_of_ours_keep_their_line(service):
    app = create_app(service)

    @app.get("/measure")
    def measure():
        raise MeasureError("net.pt: must be http://me:secret@lab; got\nnan")

    said = TestClient(app, base_url=service.url).get("/measure")
    assert (said.status_code, said.json()["detail"]) == (
        500,
        "net.pt: must be http://lab; got nan",
    )


def test_a_bug_shows_nothing_of_itself(service):
    app = create_app(service)

    @app.get("/bug")
    def bug():
        raise ValueError("password=secret")

    said = TestClient(app, base_url=service.url, raise_server_exceptions=False).get("/bug")
    assert (said.status_code, said.headers["content-type"]) == (500, "application/problem+json")
    assert "secret" not in said.text
    assert "Traceback" not in said.text
