"""Who did what, in the service's database: one line each, and the last 100,000 of them."""

from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from acn_eval.foreign_text import plain, shown
from acn_eval.service import tables as t
from acn_eval.service.database import Database

__all__ = ["FAILED", "Audit", "Entry"]

FAILED = "login failed"
"""What anybody can have noted, without a token."""

_WHO, _WHAT, _DETAIL = 100, 50, 500  # characters
_KEPT = 100_000


@dataclass(frozen=True)
class Entry:
    """Something that somebody did, at a time in seconds since 1970."""

    id: int
    at: float
    who: str
    what: str
    detail: str


@dataclass(frozen=True)
class Audit:
    """The log of a database.

    Raises:
        TrackingError: the database does not answer.
    """

    database: Database

    def note(self, who: str, what: str, detail: str = "") -> None:
        """Write what somebody did, such as ``note("ci", "job submitted", "job 3")``.

        Texts may come from outside: they become one visible line without secrets.
        """
        values = {
            "who": plain(shown(who), _WHO),
            "what": plain(what, _WHAT),
            "detail": plain(shown(detail), _DETAIL),
        }
        with self.database.write() as connection:
            connection.execute(insert(t.audit).values(at=self.database.now, **values))

    def prune(self) -> None:
        """Forget all but the last 100,000 failed logins, and as many other entries."""
        failed = t.audit.c.what == FAILED
        with self.database.write() as connection:
            for kind in (failed, ~failed):
                latest = select(t.audit.c.id).where(kind).order_by(t.audit.c.id.desc())
                last = latest.offset(_KEPT).limit(1).scalar_subquery()
                connection.execute(delete(t.audit).where(kind, t.audit.c.id <= last))

    def page(self, *, before: int | None = None, limit: int = 50) -> list[Entry]:
        """Return entries, the latest first; `before` is the number that a page ended with."""
        asked = select(t.audit).order_by(t.audit.c.id.desc()).limit(limit)
        asked = asked.where(t.audit.c.id < before) if before is not None else asked
        with self.database.read() as connection:
            return [Entry(**row) for row in connection.execute(asked).mappings()]
