"""The queue of jobs: submitted once, claimed by one worker at a time, finished once.

A claim holds a lease and a number, its attempt. A worker that lost its lease cannot write any
more: every write of a claim asks for its owner and attempt.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, delete, func, insert, or_, select, update
from sqlalchemy.engine import RowMapping

from acn_eval.errors import ConfigError
from acn_eval.service import tables as t
from acn_eval.service.database import Database
from acn_eval.service.records import FINAL, Claim, Event, Job, LeaseLost, Target
from acn_eval.service.requests import Check, Evaluate, Judge, content_key, parse_request

__all__ = ["LEASE", "Jobs"]

LEASE = 60.0
"""Seconds."""
_FAILURES = 3  # crashes and errors, after which a job is not tried again
_ATTEMPTS = 20  # claims, after which not even lost workers are an excuse
_WITHOUT_RESULT = {"failed", "refused", "cancelled"}
_BACKOFF, _LONGEST = 5.0, 300.0  # seconds


@dataclass(frozen=True)
class Jobs:
    """The jobs in a database.

    Raises:
        TrackingError: the database does not answer.
    """

    database: Database

    def submit(
        self,
        request: Check | Evaluate | Judge,
        *,
        by: str,
        target: Target | None = None,
        priority: int = 0,
        again: bool = False,
    ) -> tuple[Job, bool]:
        """Return the job of a request, and whether it is new.

        Args:
            request: equal ones are one job.
            by: who asks.
            target: a version of a model; it is part of the key, the request then is not.
            priority: higher ones are claimed first.
            again: a job that failed, was refused or cancelled is queued once more.
        """
        key = (
            content_key(Check(), *map(str, vars(target).values()))
            if target
            else content_key(request)
        )
        with self.database.write() as connection:
            held = _row(connection, t.job.c.key == key)
            if held is None:
                made = insert(t.job).values(
                    key=key,
                    kind=request.kind,
                    request=request.model_dump_json(),
                    submitted_by=by,
                    priority=priority,
                    state="queued",
                    created=self.database.now,
                    not_before=self.database.now,
                    profile=target and target.profile,
                    model=target and target.model,
                    version=target and target.version,
                )
                number = connection.execute(made.returning(t.job.c.id)).scalar_one()
                self._tell(connection, number, "state", {"state": "queued"})
                return _job(_row(connection, t.job.c.id == number)), True
            if again and held["state"] in _WITHOUT_RESULT:
                return self._again(connection, held["id"]), True
            return _job(held), False

    def retry(self, number: int) -> Job:
        """Queue a job once more that failed, was refused or cancelled; another stays as it is.

        Raises:
            ConfigError: there is no such job.
        """
        with self.database.write() as connection:
            held = self._found(connection, number)
            return (
                self._again(connection, number) if held["state"] in _WITHOUT_RESULT else _job(held)
            )

    def claim(self, owner: str, *, lease: float = LEASE) -> Claim | None:
        """Return the next job, which is the owner's for `lease` seconds; None if none waits.

        A job whose lease has run out is taken over, unless that has happened too often.
        """
        now = self.database.now
        waits = (t.job.c.state == "queued") & (t.job.c.not_before <= now)
        left = (t.job.c.state == "running") & (t.job.c.lease < now)
        following = (
            select(t.job.c.id)
            .where(or_(waits, left))
            .order_by(t.job.c.priority.desc(), t.job.c.id)
            .limit(1)
            .with_for_update(skip_locked=True)  # SQLite has one writer, and leaves this out
        )
        with self.database.write() as connection:
            taken = connection.execute(
                update(t.job)
                .where(t.job.c.id == following.scalar_subquery())
                .values(
                    state="running",
                    owner=owner,
                    lease=now + lease,
                    attempt=t.job.c.attempt + 1,
                    started=func.coalesce(t.job.c.started, now),
                    done=0,
                    total=0,
                    message="",
                )
                .returning(t.job.c.id, t.job.c.attempt, t.job.c.request, t.job.c.cancelled)
            ).first()
            if taken is None:
                return None
            if taken.attempt > _ATTEMPTS or taken.cancelled:
                said = f"its workers were lost {taken.attempt - 1} times"
                state, error = ("cancelled", None) if taken.cancelled else ("failed", said)
                self._change(
                    connection, taken.id, state, finished=now, owner=None, lease=None, error=error
                )
                return None
            event = {"state": "running", "worker": owner, "attempt": taken.attempt}
            self._tell(connection, taken.id, "state", event)
        return Claim(taken.id, owner, taken.attempt, parse_request(json.loads(taken.request)))

    def beat(
        self, claim: Claim, progress: tuple[int, int] | None = None, *, lease: float = LEASE
    ) -> bool:
        """Renew the lease, say how much is done of how much, and return whether to go on.

        Raises:
            LeaseLost: another worker has the job.
        """
        values: dict[str, Any] = {"lease": self.database.now + lease}
        if progress:
            values |= {"done": progress[0], "total": progress[1]}
        with self.database.write() as connection:
            found = connection.execute(
                update(t.job).where(_held(claim)).values(values).returning(t.job.c.cancelled)
            ).first()
            if found is None:
                raise _lost(claim)
            if progress:
                self._tell(
                    connection, claim.id, "progress", {"done": progress[0], "total": progress[1]}
                )
        return not found.cancelled

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
        with self.database.write() as connection:
            self._require(connection, claim)
            for name, content in (documents or {}).items():
                connection.execute(
                    delete(t.document).where(
                        (t.document.c.job == claim.id) & (t.document.c.name == name)
                    )
                )
                connection.execute(
                    insert(t.document).values(job=claim.id, name=name, content=content)
                )
            test_set = result.get("test_set")
            self._change(
                connection,
                claim.id,
                state,
                finished=self.database.now,
                owner=None,
                lease=None,
                result=json.dumps(result) if result else None,
                error=error,
                verdict=result.get("verdict"),
                test_set=test_set,
                asked=_count(connection, test_set) + 1 if test_set else None,
            )

    def fail(self, claim: Claim, error: str, *, counts: bool = True, final: bool = False) -> None:
        """Queue a job again after a pause that doubles, or end it as failed.

        Args:
            claim: the job.
            error: one line.
            counts: whether this is one of three failures that end a job; an outage of a server
                is none.
            final: another attempt could not help.

        Raises:
            LeaseLost: another worker has the job.
        """
        with self.database.write() as connection:
            row = self._require(connection, claim)
            failures = row["failures"] + counts
            if final or failures >= _FAILURES or claim.attempt >= _ATTEMPTS:
                state: dict[str, Any] = {"finished": self.database.now}
                name = "failed"
            else:
                pause = min(_BACKOFF * 2 ** min(claim.attempt - 1, 10), _LONGEST)
                state = {"not_before": self.database.now + pause}
                name = "queued"
            self._change(
                connection,
                claim.id,
                name,
                failures=failures,
                error=error,
                owner=None,
                lease=None,
                **state,
            )

    def release(self, claim: Claim) -> None:
        """Put a job back that a worker leaves because it ends; this is no failure.

        Raises:
            LeaseLost: another worker has the job.
        """
        with self.database.write() as connection:
            self._require(connection, claim)
            self._change(connection, claim.id, "queued", owner=None, lease=None)

    def cancel(self, number: int) -> Job:
        """Cancel a job at once if it waits; the worker of one that runs hears of it.

        Raises:
            ConfigError: there is no such job.
        """
        with self.database.write() as connection:
            state = self._found(connection, number)["state"]
            if state == "queued":
                self._change(
                    connection, number, "cancelled", finished=self.database.now, cancelled=True
                )
            elif state == "running":
                values = {"cancelled": True}
                connection.execute(update(t.job).where(t.job.c.id == number).values(values))
            return _job(self._found(connection, number))

    def job(self, number: int) -> Job:
        """Return a job.

        Raises:
            ConfigError: there is no such job.
        """
        with self.database.read() as connection:
            return _job(self._found(connection, number))

    def page(
        self,
        *,
        states: Sequence[str] = (),
        model: str | None = None,
        version: int | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> list[Job]:
        """Return jobs, the latest first; `before` is the number that the last page ended with."""
        asked = select(t.job).order_by(t.job.c.id.desc()).limit(limit)
        for wanted, condition in (
            (states, t.job.c.state.in_(states)),
            (model, t.job.c.model == model),
            (version, t.job.c.version == version),
            (before, t.job.c.id < (before or 0)),
        ):
            asked = asked.where(condition) if wanted else asked
        with self.database.read() as connection:
            return [_job(row) for row in connection.execute(asked).mappings()]

    def events(self, job: int | None = None, *, after: int = 0, limit: int = 1000) -> list[Event]:
        """Return events after a number, of one job or of all, the earliest first."""
        asked = select(t.event).where(t.event.c.id > after).order_by(t.event.c.id).limit(limit)
        asked = asked.where(t.event.c.job == job) if job is not None else asked
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

    def prune(self, days: float) -> int:
        """Remove jobs without a target that ended so long ago; return how many."""
        old = t.job.c.state.in_(FINAL) & (t.job.c.finished < self.database.now - days * 86400.0)
        with self.database.write() as connection:
            gone = connection.execute(delete(t.job).where(old & t.job.c.model.is_(None)))
            return gone.rowcount

    def _again(self, connection: Connection, number: int) -> Job:
        self._change(
            connection,
            number,
            "queued",
            failures=0,
            cancelled=False,
            finished=None,
            error=None,
            not_before=self.database.now,
        )
        return _job(_row(connection, t.job.c.id == number))

    def _require(self, connection: Connection, claim: Claim) -> RowMapping:
        row = _row(connection, _held(claim), lock=True)
        if row is None:
            raise _lost(claim)
        return row

    def _found(self, connection: Connection, number: int) -> RowMapping:
        row = _row(connection, t.job.c.id == number)
        if row is None:
            raise ConfigError(f"job {number}: must be the number of a job; there is none")
        return row

    def _change(self, connection: Connection, number: int, state: str, **values: Any) -> None:
        connection.execute(update(t.job).where(t.job.c.id == number).values(state=state, **values))
        told = {name: values[name] for name in ("error", "verdict") if values.get(name)}
        self._tell(connection, number, "state", {"state": state, **told})

    def _tell(self, connection: Connection, number: int, kind: str, data: Any) -> None:
        made = insert(t.event).values(
            job=number, at=self.database.now, kind=kind, data=json.dumps(data)
        )
        connection.execute(made)


def _held(claim: Claim) -> Any:
    own = (t.job.c.owner == claim.owner) & (t.job.c.attempt == claim.attempt)
    return (t.job.c.id == claim.id) & own & (t.job.c.state == "running")


def _lost(claim: Claim) -> LeaseLost:
    return LeaseLost(f"job {claim.id}: must be held by {claim.owner}; another worker took it")


def _row(connection: Connection, where: Any, *, lock: bool = False) -> RowMapping | None:
    asked = select(t.job).where(where)
    asked = asked.with_for_update() if lock else asked
    return connection.execute(asked).mappings().first()


def _count(connection: Connection, test_set: str) -> int:
    asked = select(func.count()).where(t.job.c.test_set == test_set)
    return connection.scalar(asked) or 0


def _job(row: RowMapping | None) -> Job:
    if row is None:
        raise AssertionError("a row that was written must be there")
    fields = {name: row[name] for name in Job.__dataclass_fields__}
    fields["request"] = parse_request(json.loads(row["request"]))
    fields["result"] = json.loads(row["result"]) if row["result"] else None
    return Job(**fields)
