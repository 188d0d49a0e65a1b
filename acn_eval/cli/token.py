"""`acn-eval token`: who may use a service, and who did what."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from acn_eval.terminal.console import console, say
from acn_eval.terminal.service_options import (
    database_option,
    database_url,
    home_option,
    service_extra,
)
from acn_eval.terminal.tables import Column, show_table

if TYPE_CHECKING:
    from acn_eval.service.access.tokens import Scope
    from acn_eval.service.database import Database

__all__ = ["command"]

_SCOPES = ("read", "submit", "promote", "admin")
_EPILOG = """\b
Examples:
  acn-eval token create ci --scope submit
  acn-eval token create grafana --scope read --days 365
  acn-eval token list
  acn-eval token revoke ci
  acn-eval token log

These commands open the service's database: whoever can do that needs no token. While there is
none, the service answers everyone on its own machine, and nobody else."""


@click.group(epilog=_EPILOG)
def command() -> None:
    """Make, list and revoke the tokens of a service.

    A token is the password of a program or a person, sent as `Authorization: Bearer TOKEN`; the
    commands take it from ACN_EVAL_TOKEN, and the page asks for it once. It is shown when it is
    made and kept as a hash: nothing shows it again. As soon as there is one, every request needs
    one.
    """


@command.command()
@click.argument("name")
@click.option(
    "--scope",
    type=click.Choice(_SCOPES),
    required=True,
    help="What it may do; each includes those before it. promote: jobs that move an alias; "
    "admin: read the log.",
)
@click.option(
    "--days", type=click.IntRange(1, 3650), default=90, help="It expires after so many days."
)
@home_option
@database_option
def create(name: str, scope: "Scope", days: int, home: Path, database: str | None) -> None:
    """Make a token for NAME and print it, this once.

    NAME says in the log who did something: give each program and person its own.
    """
    with service_extra("acn-eval token"):
        from acn_eval.service.access.audit import Audit
        from acn_eval.service.access.tokens import Tokens

    opened = _opened(home, database)
    made = Tokens(opened).create(name, scope, days=days)
    Audit(opened).note("command line", "token created", f"{name}, {scope}, {days} days")
    say(made)
    say("Keep it: it is not shown again. Programs take it from ACN_EVAL_TOKEN.", err=True)


@command.command("list")
@home_option
@database_option
def list_(home: Path, database: str | None) -> None:
    """List all tokens: what each may do, and until when."""
    with service_extra("acn-eval token"):
        from acn_eval.service.access.tokens import Tokens

    rows = [
        (
            token.name,
            token.id,
            token.scope,
            _day(token.created),
            _end(token.expires, token.revoked),
        )
        for token in Tokens(_opened(home, database)).listed()
    ]
    if not rows:
        say("There is no token: the service answers everyone on its own machine, nobody else.")
        return
    heads = ("name", "id", "scope", "created", "valid")
    show_table(console(), [Column(head, text=True) for head in heads], rows)


@command.command()
@click.argument("which", metavar="NAME|ID")
@home_option
@database_option
def revoke(which: str, home: Path, database: str | None) -> None:
    """End a token, and the sessions of browsers that were begun with it, at once."""
    with service_extra("acn-eval token"):
        from acn_eval.service.access.audit import Audit
        from acn_eval.service.access.tokens import Tokens

    opened = _opened(home, database)
    for token in Tokens(opened).revoke(which):
        Audit(opened).note("command line", "token revoked", f"{token.name}, {token.id}")
        say(f"{token.name} ({token.id}): revoked")


@command.command()
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, help="The latest so many.")
@home_option
@database_option
def log(limit: int, home: Path, database: str | None) -> None:
    """Print who did what: jobs, tokens, aliases, and failed logins, the latest first."""
    with service_extra("acn-eval token"):
        from acn_eval.service.access.audit import Audit

    for entry in Audit(_opened(home, database)).page(limit=limit):
        at = datetime.fromtimestamp(entry.at, UTC)
        say(f"{at:%Y-%m-%d %H:%M:%S} {entry.who}: {entry.what} {entry.detail}".rstrip())


def _opened(home: Path, database: str | None) -> "Database":
    with service_extra("acn-eval token"):
        from acn_eval.service.database import Database
        from acn_eval.service.migrations import migrate

    if database is None:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    opened = Database.at(database_url(database, home))
    migrate(opened)
    return opened


def _day(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"


def _end(expires: float | None, revoked: float | None) -> str:
    if revoked is not None:
        return f"revoked {_day(revoked)}"
    return "for ever" if expires is None else f"until {_day(expires)}"
