"""Pages beside the API: errors, and what is no address of either."""

import pytest

from acn_eval.service.access.outage import AWAY
from tests.service.pages.conftest import client_of, service_of
from tests.service.pages.reading import Page
from tests.service.pages.rows import fill


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/jobs/99999", 404, "job 99999: must be the number of a job"),
        ("/jobs/0", 422, "`number`"),
        ("/?state=odd", 422, "`state`"),
        ("/models/nobody", 404, "nobody: must be a registered model"),
        ("/jobs/9/report", 404, "job 9: has no report"),
    ],
)
def test_errors_are_pages(shown, path, status, said):
    assert said in Page(shown(path, status)).text


def test_what_no_browser_asks_for_is_answered_by_the_api(filled):
    client = client_of(filled[0])
    browser = {"Accept": "text/html"}
    for path, headers in (("/nothing", {}), ("/v1/nothing", browser)):
        answer = client.get(path, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (
            404,
            "application/problem+json",
        )
    assert "text/html" in client.get("/nothing", headers=browser).headers["content-type"]
    assert client.get("/v1/jobs/1/retry").status_code == 405


def test_an_empty_service_teaches(service):
    client = client_of(service)
    assert "acn-eval submit" in client.get("/").text
    assert "No version has been evaluated yet" in client.get("/models").text
    assert "acn-eval worker" in client.get("/health").text


def test_a_database_that_does_not_answer_is_a_page(service, tmp_path):
    client = client_of(service)
    (tmp_path / "service.db").write_bytes(b"no database" * 1000)
    answer = client.get("/")
    assert answer.status_code == 503
    assert AWAY in Page(answer.text).text
    assert "service.db" not in answer.text


@pytest.mark.slow
def test_either_database_shows_every_page(either, tmp_path):
    service = service_of(either, tmp_path)
    numbers = fill(service)
    client = client_of(service)
    jobs = (f"/jobs/{number}" for number in numbers.values())
    for path in ("/", "/?state=done&model=vit-small", "/models", "/models/vit-small", *jobs):
        answer = client.get(path)
        assert answer.status_code == 200, answer.text
    assert "This test set has given 6 verdicts." in client.get("/models/vit-small").text
    assert "lab-4:4711" in client.get("/health").text
