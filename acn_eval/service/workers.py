"""Which workers are there: each says so again and again."""

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from sqlalchemy import Select, delete, select

from acn_eval.service import tables as t
from acn_eval.service.database import Database

__all__ = ["Worker", "Workers"]


@dataclass(frozen=True)
class Worker:
    """A worker, as it was last heard of; times are seconds since 1970.

    Attributes:
        name: of it, and no other's.
        started: when it was first heard of.
        seen: when it was last heard of.
        job: that it does.
        acn_eval: its version.
    """

    name: str
    started: float
    seen: float
    job: int | None
    acn_eval: str


@dataclass(frozen=True)
class Workers:
    """The workers of a database, wherever they run.

    Raises:
        TrackingError: the database does not answer.
    """

    database: Database

    def beat(self, name: str, job: int | None = None) -> None:
        """Say that a worker is there, and which job it does."""
        now = self.database.now
        heard = {"seen": now, "job": job, "acn_eval": version("acn-eval")}
        made = self.database.insert(t.worker).values(name=name, started=now, **heard)
        with self.database.write() as connection:
            connection.execute(made.on_conflict_do_update(index_elements=["name"], set_=heard))

    def leave(self, name: str) -> None:
        """Say that a worker ends."""
        with self.database.write() as connection:
            connection.execute(delete(t.worker).where(t.worker.c.name == name))

    def alive(self, seconds: float = 60.0) -> list[Worker]:
        """Return those that were heard of in so many seconds, by name."""
        heard = t.worker.c.seen >= self.database.now - seconds
        return self._found(select(t.worker).where(heard).order_by(t.worker.c.name))

    def latest(self, limit: int) -> list[Worker]:
        """Return those that were heard of last, also where that is long ago."""
        return self._found(select(t.worker).order_by(t.worker.c.seen.desc()).limit(limit))

    def _found(self, asked: Select[Any]) -> list[Worker]:
        with self.database.read() as connection:
            return [Worker(**row) for row in connection.execute(asked).mappings()]
