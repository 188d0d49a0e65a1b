"""Tokens: shown once, kept as hashes, valid until they expire or are revoked."""

import pytest
from sqlalchemy import text, update

from acn_eval.errors import ConfigError
from acn_eval.service import tables as t
from acn_eval.service.access.tokens import LOCAL, SCOPES, Principal


def test_a_token_says_who_asks_and_what_they_may_do(tokens):
    assert tokens.none()
    made = tokens.create("ci", "submit")
    assert not tokens.none()
    assert tokens.principal(made) == Principal("ci", "submit")
    assert tokens.create("ci-2", "submit") != made


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_holds_those_before_it(scope):
    held = [own for own in SCOPES if Principal("x", scope).may(own)]
    assert held == list(SCOPES[: SCOPES.index(scope) + 1])
    assert LOCAL.may(scope)


def test_no_secret_is_in_the_database(tokens, database, tmp_path):
    if not database.sqlite:
        pytest.skip("its files are the server's")
    made = tokens.create("ci", "read")
    cookie = tokens.begin_session(made)
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"ci" in kept
    assert made.split("_", 2)[2].encode() not in kept
    assert cookie.encode() not in kept


@pytest.mark.parametrize(
    "change",
    [
        lambda made: "",
        lambda made: made[:-1],
        lambda made: made + "\n",
        lambda made: made[:-1] + ("a" if made[-1] != "a" else "b"),
        lambda made: f"acn_{'0' * 12}_{made.split('_', 2)[2]}",
        lambda made: made.upper(),
        lambda made: made.split("_", 2)[2],
        lambda made: "acn_%_" + made.split("_", 2)[2],
        lambda made: "\ud800" + made,
        lambda made: made * 100_000,
    ],
)
def test_what_is_no_token_is_nobody(tokens, change):
    made = tokens.create("ci", "admin")
    assert tokens.principal(change(made)) is None
    assert tokens.principal(made)


def test_a_token_of_days_expires_by_the_clock_of_the_database(tokens, database):
    made = tokens.create("ci", "read", days=90)
    cookie = tokens.begin_session(made)
    assert tokens.principal(made)
    assert tokens.of_session(cookie)
    with database.write() as connection:
        connection.execute(update(t.token).values(expires=database.now - 1))
    assert tokens.principal(made) is None
    assert tokens.of_session(cookie) is None
    assert tokens.begin_session(made) is None
    assert [own.valid for own in tokens.listed()] == [False]
    assert not tokens.none()


@pytest.mark.parametrize("which", ["name", "id", "token"])
def test_a_revoked_token_and_its_sessions_end_at_once(tokens, which):
    made, other = tokens.create("ci", "read"), tokens.create("page", "read")
    cookie, kept = tokens.begin_session(made), tokens.begin_session(other)
    given = {"name": "ci", "id": made.split("_")[1], "token": made}[which]
    assert [own.name for own in tokens.revoke(given)] == ["ci"]
    assert tokens.principal(made) is None
    assert tokens.of_session(cookie) is None
    assert tokens.of_session(kept) == Principal("page", "read")
    assert not tokens.none()
    with pytest.raises(
        ConfigError, match=r"valid token; there is none\. See: acn-eval token list"
    ):
        tokens.revoke(given)


def test_a_name_is_that_of_one_valid_token(tokens):
    tokens.create("ci", "read")
    with pytest.raises(ConfigError, match="Revoke it"):
        tokens.create("ci", "read")
    tokens.revoke("ci")
    tokens.create("ci", "submit")
    assert [(own.name, own.scope, own.valid) for own in tokens.listed()] == [
        ("ci", "read", False),
        ("ci", "submit", True),
    ]


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "x" * 65, "<b>", "a\nb", "\x1b[31m", "this machine", "é"]
)
def test_a_name_is_plain(tokens, name):
    with pytest.raises(ConfigError, match="NAME: must be at most 64 letters"):
        tokens.create(name, "read")
    assert tokens.none()


def test_a_session_ends_when_it_is_ended_or_is_old(tokens, database):
    made = tokens.create("ci", "submit")
    first, second = tokens.begin_session(made), tokens.begin_session(made)
    assert tokens.of_session(first) == tokens.of_session(second) == Principal("ci", "submit")
    tokens.end_session(first)
    assert tokens.of_session(first) is None
    with database.write() as connection:
        connection.execute(update(t.session).values(expires=database.now - 1))
    assert tokens.of_session(second) is None
    tokens.begin_session(made)
    with database.read() as connection:
        assert connection.scalar(text("select count(*) from session")) == 1


@pytest.mark.parametrize("cookie", ["", "x", "x" * 100_000, "' or 1=1 --", "\ud800"])
def test_what_is_no_session_is_nobody(tokens, cookie):
    tokens.begin_session(tokens.create("ci", "submit"))
    assert tokens.of_session(cookie) is None
