"""Tokens of the API: shown once, kept as hashes, each with one scope.

A token reads ``acn_ID_SECRET``. Its secret has 256 random bits, which no list of passwords holds;
so that one SHA-256 suffices, and every request can afford the check.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any, Literal, get_args

from sqlalchemy import delete, insert, or_, select, update

from acn_eval.errors import ConfigError
from acn_eval.service import tables as t
from acn_eval.service.database import Database

__all__ = ["LOCAL", "SCOPES", "Principal", "Scope", "Token", "Tokens"]

Scope = Literal["read", "submit", "promote", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
"""Each holds those before it: who promotes must submit, and who submits must see the job."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TEXT = re.compile(r"acn_(?P<id>[0-9a-f]{12})_(?P<secret>[\w-]{43})", re.ASCII)
_SESSION_SECONDS = 12 * 3600.0
_DAY = 86400.0


@dataclass(frozen=True)
class Principal:
    """Who asks: the name of a token, and what it may do."""

    name: str
    scope: Scope

    def may(self, scope: Scope) -> bool:
        """Whether a scope is held.

        >>> Principal("ci", "submit").may("read"), Principal("ci", "submit").may("promote")
        (True, False)
        """
        return SCOPES.index(scope) <= SCOPES.index(self.scope)


LOCAL = Principal("this machine", "admin")
"""Everyone on the machine of a service that has no tokens; no token has a name with a space."""


@dataclass(frozen=True)
class Token:
    """What is known about a token; times are seconds since 1970, None where it has none."""

    id: str
    name: str
    scope: Scope
    created: float
    expires: float | None
    revoked: float | None
    valid: bool


@dataclass(frozen=True)
class Tokens:
    """The tokens in a database, and the sessions of browsers that were begun with them.

    Raises:
        TrackingError: the database does not answer.
    """

    database: Database

    def create(self, name: str, scope: Scope, *, days: float | None = None) -> str:
        """Return a new token, which nothing shows again.

        Args:
            name: of whoever uses it, in the log of what was done.
            scope: what it may do.
            days: until it expires; None never does.

        Raises:
            ConfigError: the name has other characters, or a valid token has it.
        """
        if not _NAME.fullmatch(name):
            what = "must be at most 64 letters, digits, dots, dashes and underscores"
            raise ConfigError(f"NAME: {what}; got {name!r:.80}")
        number, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        now = self.database.now
        with self.database.write() as connection:
            if connection.scalar(select(t.token.c.id).where(self._valid, t.token.c.name == name)):
                what = "must be that of no valid token"
                raise ConfigError(f"NAME: {what}; got {name}. Revoke it, or choose another.")
            connection.execute(
                insert(t.token).values(
                    id=number,
                    name=name,
                    sha256=_hash(secret),
                    scope=scope,
                    created=now,
                    expires=None if days is None else now + days * _DAY,
                )
            )
        return f"acn_{number}_{secret}"

    def listed(self) -> list[Token]:
        """Return all tokens, the first created first."""
        asked = select(t.token, self._valid.label("valid")).order_by(t.token.c.created)
        with self.database.read() as connection:
            return [_token(row) for row in connection.execute(asked).mappings()]

    def revoke(self, which: str) -> list[Token]:
        """End tokens and their sessions at once; return those that were valid.

        Args:
            which: id of a token, its name, or the token.

        Raises:
            ConfigError: no valid token has it.
        """
        given = _TEXT.fullmatch(which)
        which = given["id"] if given else which
        named = or_(t.token.c.id == which, t.token.c.name == which) & self._valid
        with self.database.write() as connection:
            found = connection.execute(select(t.token, self._valid.label("valid")).where(named))
            ended = [_token(row) for row in found.mappings()]
            if not ended:
                what = "must be the id or the name of a valid token; there is none"
                raise ConfigError(f"{which:.80}: {what}. See: acn-eval token list")
            ids = [token.id for token in ended]
            gone = update(t.token).where(t.token.c.id.in_(ids))
            connection.execute(gone.values(revoked=self.database.now))
            connection.execute(delete(t.session).where(t.session.c.token.in_(ids)))
        return ended

    def none(self) -> bool:
        """Whether no token was ever created; a revoked one opens nothing again."""
        with self.database.read() as connection:
            return connection.scalar(select(t.token.c.id).limit(1)) is None

    def principal(self, text: str) -> Principal | None:
        """Return who has a token; None if it is none, or is not valid any more."""
        found = _TEXT.fullmatch(text)
        if not found:
            return None
        asked = select(t.token).where(t.token.c.id == found["id"], self._valid)
        with self.database.read() as connection:
            row = connection.execute(asked).mappings().first()
        held = row["sha256"] if row else ""
        if not compare_digest(held, _hash(found["secret"])):
            return None
        return _principal(row)

    def begin_session(self, text: str) -> str | None:
        """Return what the cookie of a browser holds, for a token; None if it is not valid."""
        if self.principal(text) is None:
            return None
        cookie, now = secrets.token_urlsafe(32), self.database.now
        made = insert(t.session).values(
            sha256=_hash(cookie), token=text.split("_")[1], expires=now + _SESSION_SECONDS
        )
        with self.database.write() as connection:
            connection.execute(delete(t.session).where(t.session.c.expires < now))
            connection.execute(made)
        return cookie

    def of_session(self, cookie: str) -> Principal | None:
        """Return whose session it is; None if it is none, or its token is not valid any more."""
        asked = (
            select(t.token)
            .join(t.session, t.session.c.token == t.token.c.id)
            .where(t.session.c.sha256 == _hash(cookie), self._valid)
            .where(t.session.c.expires > self.database.now)
        )
        with self.database.read() as connection:
            row = connection.execute(asked).mappings().first()
        return _principal(row) if row else None

    def end_session(self, cookie: str) -> None:
        """End a session, if it is one."""
        with self.database.write() as connection:
            connection.execute(delete(t.session).where(t.session.c.sha256 == _hash(cookie)))

    @property
    def _valid(self) -> Any:
        lasts = or_(t.token.c.expires.is_(None), t.token.c.expires > self.database.now)
        return t.token.c.revoked.is_(None) & lasts


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def _principal(row: Any) -> Principal:
    return Principal(row["name"], row["scope"])


def _token(row: Mapping[Any, Any]) -> Token:
    fields = {name: row[name] for name in ("id", "name", "scope", "created", "expires", "revoked")}
    return Token(**fields, valid=bool(row["valid"]))
