"""Whoever asks is known by a token, or is on this machine while there is none."""

import pytest
from sqlalchemy import update

from acn_eval.service import tables as t
from acn_eval.service.access import guards
from acn_eval.service.access.audit import Audit
from tests.service.access.conftest import caller

FORWARDING = (
    "X-Forwarded-Proto",
    "X-Forwarded-Server",
    "X-Forwarded-Port",
    "CF-Connecting-IP",
    "X-Client-IP",
    "True-Client-IP",
    "X-Real-IP",
)


def bearer(token, kind="Bearer"):
    return {"Authorization": f"{kind} {token}"}


def test_without_tokens_everyone_on_this_machine_may_do_all(client):
    assert client.get("/read").json() == {"name": "this machine", "scope": "admin"}
    assert client.post("/submit").status_code == 200


@pytest.mark.parametrize(
    "strange",
    [
        {"came": "192.0.2.7"},
        {"came": "testclient"},
        {"X-Forwarded-For": "192.0.2.7"},
        {"Forwarded": "for=192.0.2.7"},
        {"Via": "1.1 proxy"},
        *({name: "x"} for name in FORWARDING),
        {"Authorization": "Bearer x"},
        {"Authorization": "Basic dXNlcjpwdw=="},
        {"Authorization": ""},
        {"Cookie": "acn_eval_session=x"},
    ],
)
def test_without_tokens_others_are_refused(app, strange):
    answer = caller(app, **strange).get("/read")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="acn-eval"'


def test_as_soon_as_there_is_a_token_one_is_needed(client, tokens):
    made = tokens.create("ci", "submit")
    assert client.get("/read").status_code == 401
    assert client.get("/read", headers=bearer(made)).json() == {"name": "ci", "scope": "submit"}
    assert client.get("/read", headers=bearer(made, "bearer")).status_code == 200
    tokens.revoke("ci")
    assert client.get("/read", headers=bearer(made)).status_code == 401
    assert client.get("/read").status_code == 401


def test_an_expired_token_is_refused(client, tokens, database):
    made = tokens.create("ci", "submit", days=1)
    assert client.get("/read", headers=bearer(made)).status_code == 200
    with database.write() as connection:
        connection.execute(update(t.token).values(expires=database.now - 1))
    assert client.get("/read", headers=bearer(made)).status_code == 401


def test_a_scope_that_is_missing_is_named_with_the_remedy(client, tokens):
    made = tokens.create("reader", "read")
    answer = client.post("/submit", headers=bearer(made))
    assert answer.status_code == 403
    assert answer.headers["WWW-Authenticate"].endswith(
        'error="insufficient_scope", scope="submit"'
    )
    assert (
        answer.json()["detail"]
        == "scope: must be submit; got read. Create one: acn-eval token create"
    )


def test_two_tokens_in_one_request_are_none(client, tokens):
    made = tokens.create("ci", "admin")
    twice = [("Authorization", f"Bearer {made}"), ("Authorization", f"Bearer {made}")]
    assert client.get("/read", headers=twice).status_code == 401


def test_wrong_tokens_are_noted_and_limited_and_right_ones_are_not(
    app, tokens, database, monkeypatch
):
    monkeypatch.setattr(guards, "monotonic", lambda: 90.0)
    made, own = tokens.create("ci", "read"), caller(app, **{"User-Agent": "x\x1b[31m<b>"})
    codes = [own.get("/read", headers=bearer("acn_wrong")).status_code for _ in range(13)]
    assert codes == [401] * 10 + [429] * 3
    assert own.get("/read", headers=bearer(made)).status_code == 200
    noted = Audit(database).page()
    assert {(e.who, e.what, e.detail) for e in noted} == {
        ("127.0.0.1", "login failed", "x\\x1b[31m<b>")
    }
    assert len(noted) == 10
    other = caller(app, came="127.0.0.2")
    assert other.get("/read", headers=bearer("acn_wrong")).status_code == 401


def test_all_addresses_together_fill_no_log(app, tokens, database, monkeypatch):
    monkeypatch.setattr(guards, "monotonic", lambda: 90.0)
    monkeypatch.setattr(guards, "_IN_ALL", 3)
    tokens.create("ci", "read")
    came = [caller(app, came=f"127.0.0.{number}") for number in range(2, 7)]
    codes = [own.get("/read", headers=bearer("acn_wrong")).status_code for own in came]
    assert codes == [401] * 3 + [429] * 2
    assert len(Audit(database).page()) == 3
