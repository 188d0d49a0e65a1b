"""A browser logs in with a token, and holds a cookie that no other page can use."""

from dataclasses import replace

import pytest

from acn_eval.service.access.audit import Audit
from tests.service.access.conftest import caller


def test_a_browser_logs_in_once_and_out_again(client, tokens):
    made = tokens.create("page", "submit")
    answer = client.post("/login", data={"token": made, "next": "/jobs/3?x=1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/jobs/3?x=1")
    said = answer.headers["set-cookie"].lower()
    assert "httponly" in said
    assert "samesite=strict" in said
    assert "secure" not in said
    assert made not in said
    assert client.get("/read").json()["name"] == "page"
    kept = dict(client.cookies)
    client.post("/logout", headers={"Sec-Fetch-Site": "same-origin"})
    assert client.get("/read").status_code == 401
    client.cookies.update(kept)
    assert client.get("/read").status_code == 401


@pytest.mark.parametrize(
    "place",
    ["//evil.example", "https://evil.example", "/\\evil.example", "x", "/a\r\nX: y", "/\t/e"],
)
def test_a_login_leads_to_no_other_host(client, tokens, place):
    made = tokens.create("page", "read")
    answer = client.post("/login", data={"token": made, "next": place})
    assert answer.headers["location"] == "/"


def test_a_wrong_login_leads_back_and_is_noted(client, tokens, database):
    tokens.create("page", "read")
    answer = client.post("/login", data={"token": "acn_x"})
    assert answer.headers["location"] == "/login?failed=1"
    assert "set-cookie" not in answer.headers
    assert [own.what for own in Audit(database).page()] == ["login failed"]
    assert client.post("/login", content=b"token=" + b"x" * 5000).status_code == 413


def test_a_cookie_is_secure_where_people_come_by_https(app, tokens):
    app.state.service = replace(app.state.service, url="https://acn.example")
    answer = caller(app).post("/login", data={"token": tokens.create("page", "read")})
    assert "secure" in answer.headers["set-cookie"].lower()
