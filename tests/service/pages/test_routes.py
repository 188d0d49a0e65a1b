"""Buttons do what they say, for whoever may press them."""

import pytest

from acn_eval.service.access.audit import Audit
from acn_eval.service.access.tokens import Tokens
from acn_eval.service.requests import Check
from tests.service.pages.conftest import client_of
from tests.service.pages.reading import Page

SAME = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def waiting(service):
    return service.jobs.submit(Check(), by="alice")[0].id


def test_cancel_and_retry_change_a_job_and_are_noted(service, waiting):
    client = client_of(service)
    for what, state in (("cancel", "cancelled"), ("retry", "queued")):
        answer = client.post(f"/jobs/{waiting}/{what}", headers=SAME, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/jobs/{waiting}")
        assert service.jobs.job(waiting).state == state
    noted = [(entry.what, entry.detail) for entry in Audit(service.database).page()]
    assert noted == [("job retried", f"job {waiting}"), ("job cancelled", f"job {waiting}")]


def test_a_page_of_another_site_presses_no_button(service, waiting):
    client = client_of(service)
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}):
        answer = client.post(f"/jobs/{waiting}/cancel", headers=headers)
        assert answer.status_code == 403
    assert service.jobs.job(waiting).state == "queued"


def test_who_has_no_token_logs_in_and_sees_the_page_that_was_asked_for(service, waiting):
    token = Tokens(service.database).create("reader", "read")
    client = client_of(service)
    asked = client.get(f"/jobs/{waiting}", follow_redirects=False)
    assert asked.status_code == 303
    form = Page(client.get(asked.headers["location"]).text)
    fields = {found["name"]: found.get("value") for found in form.every("input")}
    assert fields["next"] == f"/jobs/{waiting}"
    wrong = client.post("/login", data={**fields, "token": "acn_x"}, headers=SAME)
    assert "The token is unknown" in wrong.text
    right = client.post("/login", data={**fields, "token": token}, headers=SAME)
    assert "check" in Page(right.text).text
    assert f"/jobs/{waiting}/cancel" not in Page(right.text).forms()
    refused = client.post(f"/jobs/{waiting}/cancel", headers=SAME)
    assert refused.status_code == 403
    assert "scope: must be submit" in Page(refused.text).text
    client.post("/logout", headers=SAME)
    assert client.get("/", follow_redirects=False).status_code == 303
