"""What is known about jobs, read from the database."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select
from sqlalchemy.engine import RowMapping

from acn_eval.errors import ConfigError
from acn_eval.service import tables as t
from acn_eval.service.database import Database
from acn_eval.service.records import Event, Job
from acn_eval.service.requests import parse_request

__all__ = ["Reading", "as_job", "jobs_of", "row_of"]


@dataclass(frozen=True)
class Reading:
    """The jobs in a database, as they stand.

    Raises:
        TrackingError: the database does not answer.
    """

    database: Database

    def job(self, number: int) -> Job:
        """Return a job.

        Raises:
            ConfigError: there is no such job.
        """
        with self.database.read() as connection:
            return as_job(row_of(connection, number))

    def page(
        self,
        *,
        states: Sequence[str] = (),
        model: str | None = None,
        version: int | None = None,
        before: int | None = None,
        limit: int = 50,
        next_first: bool = False,
    ) -> list[Job]:
        """Return jobs, the latest first; `before` is the number that the last page ended with.

        With `next_first` they come in the order in which they are claimed, if none is held back.
        """
        order = (t.job.c.rank, t.job.c.id) if next_first else (t.job.c.id.desc(),)
        asked = select(t.job).order_by(*order).limit(limit)
        for wanted, condition in (
            (states, t.job.c.state.in_(states)),
            (model, t.job.c.model == model),
            (version, t.job.c.version == version),
            (before, t.job.c.id < (before or 0)),
        ):
            asked = asked.where(condition) if wanted else asked
        return jobs_of(self.database, asked)

    def events(
        self,
        job: int | None = None,
        *,
        kind: str | None = None,
        after: int = 0,
        limit: int = 1000,
    ) -> list[Event]:
        """Return events after a number, of one job or of all, the earliest first.

        Who asks again with the number of the last one misses none of those that are kept: none
        appears later with a smaller number.
        """
        asked = select(t.event).where(t.event.c.id > after).order_by(t.event.c.id).limit(limit)
        asked = asked.where(t.event.c.job == job) if job is not None else asked
        asked = asked.where(t.event.c.kind == kind) if kind is not None else asked
        with self.database.read() as connection:
            rows = connection.execute(asked).mappings().all()
        return [Event(**{**row, "data": json.loads(row["data"])}) for row in rows]

    def document(self, number: int, name: str) -> bytes | None:
        """Return a document of a job, such as ``"report.html"``; None if it has none."""
        own = (t.document.c.job == number) & (t.document.c.name == name)
        with self.database.read() as connection:
            held: bytes | None = connection.scalar(select(t.document.c.content).where(own))
        return held

    def counts(self) -> dict[str, int]:
        """Return the number of jobs by state."""
        asked = select(t.job.c.state, func.count()).group_by(t.job.c.state)
        with self.database.read() as connection:
            return {state: count for state, count in connection.execute(asked)}


def row_of(connection: Connection, number: int, *, lock: bool = False) -> RowMapping:
    """Return the row of a job, which stays as it is until the transaction ends if it is locked.

    Raises:
        ConfigError: there is no such job.
    """
    asked = select(t.job).where(t.job.c.id == number)
    row = connection.execute(asked.with_for_update() if lock else asked).mappings().first()
    if row is None:
        remedy = "`acn-eval jobs` lists them; a version gets one when the service looks next."
        raise ConfigError(f"job {number}: must be the number of a job; there is none. {remedy}")
    return row


def as_job(row: RowMapping) -> Job:
    """Return the record of a row."""
    fields: dict[str, Any] = {name: row[name] for name in Job.__dataclass_fields__}
    fields["request"] = parse_request(json.loads(row["request"]))
    fields["result"] = json.loads(row["result"]) if row["result"] else None
    return Job(**fields)


def jobs_of(database: Database, asked: Select[Any]) -> list[Job]:
    """Return the records of the rows of a question to the table of jobs.

    Raises:
        TrackingError: the database does not answer.
    """
    with database.read() as connection:
        return [as_job(row) for row in connection.execute(asked).mappings()]
