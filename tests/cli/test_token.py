"""`acn-eval token` shows a token once, ends it, and says who did what."""

import pytest
from click.testing import CliRunner

from acn_eval.cli.main import cli
from acn_eval.errors import ConfigError
from acn_eval.service.access.tokens import Principal, Tokens
from acn_eval.service.database import Database


@pytest.fixture(autouse=True)
def _inside(tmp_path, monkeypatch):
    for name in ("ACN_EVAL_DATABASE", "ACN_EVAL_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")


def token(*arguments):
    return CliRunner().invoke(cli, ("token", *arguments), catch_exceptions=False)


def test_a_token_is_made_listed_and_ended(tmp_path):
    assert token("list").stdout.startswith("There is no token")
    made = token("create", "ci", "--scope", "submit")
    assert "not shown again" in made.stderr
    (secret,) = made.stdout.split()
    tokens = Tokens(Database.at(f"sqlite:///{tmp_path}/acn-service/service.db"))
    assert tokens.principal(secret) == Principal("ci", "submit")
    listed = token("list").stdout
    assert "submit" in listed
    assert "until 20" in listed
    assert secret.split("_", 2)[2] not in listed
    assert token("revoke", "ci").stdout.endswith(": revoked\n")
    assert tokens.principal(secret) is None
    assert "revoked 20" in token("list").stdout
    log = [line.split(" ", 2)[2] for line in token("log").stdout.splitlines()]
    assert [line.partition(", ")[0] for line in log] == [
        "command line: token revoked ci",
        "command line: token created ci",
    ]
    assert secret not in "".join(log)


def test_the_folder_is_that_of_its_owner_alone(tmp_path):
    token("create", "ci", "--scope", "read")
    assert (tmp_path / "acn-service").stat().st_mode & 0o777 == 0o700


def test_tokens_lie_in_the_database_that_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("ACN_EVAL_DATABASE", f"sqlite:///{tmp_path}/other.db")
    token("create", "ci", "--scope", "read")
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []
    assert "ci" in token("list").stdout


def test_what_is_wrong_is_said(tmp_path):
    assert token("create", "ci").exit_code == 2
    assert token("create", "ci", "--scope", "root").exit_code == 2
    assert token("create", "ci", "--scope", "read", "--days", "0").exit_code == 2
    with pytest.raises(ConfigError, match="NAME: must be at most 64 letters"):
        token("create", "a b", "--scope", "read")
