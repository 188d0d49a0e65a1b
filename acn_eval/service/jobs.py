"""The queue of jobs: submitted once, claimed by one worker at a time, finished once.

A claim holds a lease and a number, its attempt. A worker that lost its lease cannot write any
more: every write of a claim asks for its owner and attempt.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, Literal

from pydantic import ValidationError
from sqlalchemy import Connection, case, delete, func, insert, or_, select, update
from sqlalchemy.engine import RowMapping

from acn_eval.service import tables as t
from acn_eval.service.reading import Reading, as_job, row_of
from acn_eval.service.records import FINAL, Claim, Job, LeaseLost
from acn_eval.service.requests import Check, Evaluate, Judge, content_key, parse_request

__all__ = ["LEASE", "Jobs"]

LEASE = 60.0
"""Seconds."""
_FAILURES = 3  # crashes and errors, after which a job is not tried again
_LOST = 20  # workers that did not come back from it, after which chance is no excuse
_WITHOUT_RESULT = {"failed", "refused", "cancelled"}
_BACKOFF, _LONGEST = 5.0, 300.0  # seconds
_TOLD = 200  # progress becomes an event this often while the age of a job doubles, about


@dataclass(frozen=True)
class Jobs(Reading):
    """The jobs in a database.

    Raises:
        TrackingError: the database does not answer; what was asked may have happened. Asked
            again, it happens once.
    """

    def submit(
        self,
        request: Check | Evaluate | Judge,
        *,
        by: str,
        priority: int = 0,
        since: float = inf,
    ) -> tuple[Job, bool]:
        """Return the job of a request, and whether it is new; for versions see `arriving`.

        Args:
            request: equal ones are one job until a worker takes it. What they name, such as an
                alias, a file or a gate, may change afterwards, and then has another answer.
            by: who asks.
            priority: higher ones are claimed first.
            since: when this request was sent first, where it is sent again: a job that was made
                later is the answer to it, however far it is.
        """
        key = content_key(request)
        made = insert(t.job).values(
            key=key,
            kind=request.kind,
            request=request.model_dump_json(),
            submitted_by=by,
            priority=priority,
            state="queued",
            created=self.database.now,
            not_before=self.database.now,
        )
        with self.database.write() as connection:
            self.database.alone(connection, key)
            number = connection.scalar(select(t.job.c.id).where(t.job.c.key == key))
            if number is not None:
                held = row_of(connection, number, lock=True)
                if held["state"] == "queued" or held["created"] >= since:
                    return as_job(held), False
                earlier = update(t.job).where(t.job.c.id == number)
                connection.execute(earlier.values(key=f"{key}-{number}"))
            number = connection.execute(made.returning(t.job.c.id)).scalar_one()
            self._tell(connection, number, "state", {"state": "queued"})
            return as_job(row_of(connection, number)), True

    def retry(self, number: int) -> Job:
        """Queue a job once more that failed, was refused or cancelled; another stays as it is.

        Raises:
            ConfigError: there is no such job.
        """
        with self.database.write() as connection:
            held = row_of(connection, number, lock=True)
            again = held["state"] in _WITHOUT_RESULT
            return self._again(connection, number) if again else as_job(held)

    def claim(self, owner: str, *, lease: float = LEASE) -> Claim | None:
        """Return the next job, which is the owner's for `lease` seconds; None if none waits.

        A job whose lease has run out is taken over, unless that has happened too often.
        """
        with self.database.write() as connection:
            while taken := self._take(connection, owner, lease):
                if claim := self._started(connection, taken):
                    return claim
        return None

    def beat(
        self, claim: Claim, progress: tuple[int, int] | None = None, *, lease: float = LEASE
    ) -> bool:
        """Renew the lease, say how much is done of how much, and return whether to go on.

        Progress becomes an event at most once a second, and less often in a long job.

        Raises:
            LeaseLost: another worker has the job.
        """
        with self.database.write() as connection:
            row = self._require(connection, claim)
            now = self.database.clock(connection)
            values: dict[str, Any] = {"lease": now + lease}
            if progress:
                told = {"done": progress[0], "total": progress[1]}
                values |= told
                if now - row["told"] >= max(1.0, (now - row["started"]) / _TOLD):
                    values["told"] = now
                    self._tell(connection, claim.id, "progress", told)
            connection.execute(update(t.job).where(t.job.c.id == claim.id).values(values))
        return not row["cancelled"]

    def finish(
        self,
        claim: Claim,
        state: Literal["done", "refused", "cancelled"],
        *,
        result: Mapping[str, Any] | None = None,
        error: str | None = None,
        documents: Mapping[str, bytes] | None = None,
    ) -> None:
        """End a job: with a result and documents, or with the line that says why there is none.

        A result may hold "verdict" and "test_set", by which verdicts are counted.

        Raises:
            LeaseLost: another worker has the job; nothing is written.
        """
        result = result or {}
        test_set = result.get("test_set")
        with self.database.write() as connection:
            self._require(connection, claim)
            connection.execute(delete(t.document).where(t.document.c.job == claim.id))
            for name, content in (documents or {}).items():
                own = {"job": claim.id, "name": name, "content": content}
                connection.execute(insert(t.document).values(own))
            self._end(
                connection,
                claim.id,
                state,
                result=json.dumps(result) if result else None,
                error=error,
                verdict=result.get("verdict"),
                test_set=test_set,
                asked=self._asked(connection, test_set) if test_set else None,
            )

    def fail(self, claim: Claim, error: str, *, counts: bool = True, final: bool = False) -> None:
        """Queue a job again after a pause that doubles, or end it as failed.

        Args:
            claim: the job.
            error: one line.
            counts: whether this is one of three failures that end a job; an outage of a server
                is none, and is waited for without end.
            final: another attempt could not help.

        Raises:
            LeaseLost: another worker has the job.
        """
        with self.database.write() as connection:
            row = self._require(connection, claim)
            failures = row["failures"] + counts
            told = {"failures": failures, "error": error}
            if row["cancelled"]:
                self._end(connection, claim.id, "cancelled", **told)
            elif final or failures >= _FAILURES:
                self._end(connection, claim.id, "failed", **told)
            else:
                again = failures if counts else claim.attempt
                pause = min(_BACKOFF * 2 ** min(again - 1, 10), _LONGEST)
                self._wait(connection, claim.id, not_before=self.database.now + pause, **told)

    def release(self, claim: Claim) -> None:
        """Put a job back that a worker leaves because it ends; this is no failure.

        Raises:
            LeaseLost: another worker has the job.
        """
        with self.database.write() as connection:
            if self._require(connection, claim)["cancelled"]:
                self._end(connection, claim.id, "cancelled")
            else:
                self._wait(connection, claim.id)

    def cancel(self, number: int) -> Job:
        """Cancel a job at once that no worker has; the worker of one that runs hears of it.

        Raises:
            ConfigError: there is no such job.
        """
        with self.database.write() as connection:
            row = row_of(connection, number, lock=True)
            left = row["lease"] is not None and row["lease"] < self.database.clock(connection)
            if row["state"] == "queued" or left:
                self._end(connection, number, "cancelled", cancelled=True)
            elif row["state"] == "running":
                values = {"cancelled": True}
                connection.execute(update(t.job).where(t.job.c.id == number).values(values))
            return as_job(row_of(connection, number))

    def prune(self, days: float) -> int:
        """Remove finished jobs of so many days ago; return how many.

        Those about versions of models and those with a verdict stay, as the memory of what was
        asked, but for their progress. Of what else is kept, what is as old goes, too.
        """
        since = self.database.now - days * 86400.0
        ended = t.job.c.state.in_(FINAL) & (t.job.c.finished < since)
        kept = or_(t.job.c.model.is_not(None), t.job.c.test_set.is_not(None))
        progress = (t.event.c.kind == "progress") & t.event.c.job.in_(
            select(t.job.c.id).where(ended)
        )
        with self.database.write() as connection:
            gone = connection.execute(delete(t.job).where(ended & ~kept))
            connection.execute(delete(t.event).where(progress))
            for table, at in (
                (t.audit, t.audit.c.at),
                (t.delivery, t.delivery.c.at),
                (t.idempotency, t.idempotency.c.at),
                (t.worker, t.worker.c.seen),
            ):
                # What guards against being sent twice is kept for a day at least.
                connection.execute(
                    delete(table).where(at < since, at < self.database.now - 86400.0)
                )
        return gone.rowcount

    def _take(self, connection: Connection, owner: str, lease: float) -> RowMapping | None:
        """Take what another worker has left, or what waits; each has its index."""
        now = self.database.now
        left = (t.job.c.state == "running") & (t.job.c.lease < now)
        waits = (t.job.c.state == "queued") & (t.job.c.not_before <= now)
        for where in (left, waits):
            if row := self._taken(connection, where, owner=owner, lease=now + lease):
                return row
        return None

    def _taken(self, connection: Connection, where: Any, **held: Any) -> RowMapping | None:
        following = (
            select(t.job.c.id)
            .where(where)
            .order_by(t.job.c.rank, t.job.c.id)
            .limit(1)
            .with_for_update(skip_locked=True)  # SQLite has one writer, and leaves this out
        )
        taken = (
            update(t.job)
            .where(t.job.c.id == following.scalar_subquery())
            .values(
                state="running",
                **held,
                attempt=t.job.c.attempt + 1,
                lost=t.job.c.lost + case((t.job.c.state == "running", 1), else_=0),
                started=func.coalesce(t.job.c.started, self.database.now),
                done=0,
                total=0,
                told=0.0,
            )
            .returning(t.job)
        )
        return connection.execute(taken).mappings().first()

    def _started(self, connection: Connection, row: RowMapping) -> Claim | None:
        """Return the claim of a row that was taken, or end a job that is not to be done."""
        number, attempt = row["id"], row["attempt"]
        try:
            request = parse_request(json.loads(row["request"]))
        except ValidationError:
            error = f"job {number}: must be a request that this version knows; submit it again"
            self._end(connection, number, "failed", error=error)
            return None
        if row["cancelled"]:
            self._end(connection, number, "cancelled")
            return None
        if row["lost"] >= _LOST:
            error = f"job {number}: must leave its workers alive; {row['lost']} did not come back"
            self._end(connection, number, "failed", error=error)
            return None
        earlier = (t.event.c.job == number) & (t.event.c.kind == "progress")
        connection.execute(delete(t.event).where(earlier))
        event = {"state": "running", "worker": row["owner"], "attempt": attempt}
        self._tell(connection, number, "state", event)
        return Claim(number, row["owner"], attempt, request)

    def _again(self, connection: Connection, number: int) -> Job:
        fresh = {"failures": 0, "lost": 0, "cancelled": False}
        never = dict.fromkeys(("started", "finished", "error"))
        now = self.database.now
        self._wait(connection, number, not_before=now, **fresh, **never)
        return as_job(row_of(connection, number))

    def _require(self, connection: Connection, claim: Claim) -> RowMapping:
        own = (t.job.c.owner == claim.owner) & (t.job.c.attempt == claim.attempt)
        held = select(t.job).where((t.job.c.id == claim.id) & own & (t.job.c.state == "running"))
        row = connection.execute(held.with_for_update()).mappings().first()
        if row is None:
            msg = f"job {claim.id}: must be held by {claim.owner}; another worker took it"
            raise LeaseLost(msg)
        return row

    def _asked(self, connection: Connection, test_set: str) -> int:
        self.database.alone(connection, test_set)
        asked = select(func.count()).where(t.job.c.test_set == test_set)
        return (connection.scalar(asked) or 0) + 1

    def _end(self, connection: Connection, number: int, state: str, **values: Any) -> None:
        self._change(connection, number, state, finished=self.database.now, **values)

    def _wait(self, connection: Connection, number: int, **values: Any) -> None:
        self._change(connection, number, "queued", **values)

    def _change(self, connection: Connection, number: int, state: str, **values: Any) -> None:
        free = {"owner": None, "lease": None}
        changed = update(t.job).where(t.job.c.id == number)
        connection.execute(changed.values(state=state, **free, **values))
        told = {name: values[name] for name in ("error", "verdict") if values.get(name)}
        self._tell(connection, number, "state", {"state": state, **told})

    def _tell(self, connection: Connection, number: int, kind: str, data: Any) -> None:
        self.database.alone(connection, "event")  # numbers are in the order of commits
        made = insert(t.event).values(
            job=number, at=self.database.now, kind=kind, data=json.dumps(data)
        )
        connection.execute(made)
