"""Puts jobs about versions of models in the queue, many at once."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection, func, insert, literal, select

from acn_eval.service import tables as t
from acn_eval.service.database import Database
from acn_eval.service.lock import Lock
from acn_eval.service.records import Target
from acn_eval.service.requests import Judge

__all__ = ["Arrival", "submit_many", "submitted", "waiting"]

_BY = "watcher"
_AT_ONCE = 500  # rows, so that workers get their turn


@dataclass(frozen=True)
class Arrival:
    """A version that is to be judged.

    Attributes:
        request: what is asked; its `look` is filled in where it has a baseline.
        target: the version.
        priority: of the job.
        spends: whether its look is counted, see `asked.spent`.
    """

    request: Judge
    target: Target
    priority: int = 0
    spends: bool = False


def submitted(database: Database) -> set[str]:
    """Return the keys of all jobs about versions.

    Raises:
        TrackingError: the database does not answer.
    """
    with database.read() as connection:
        return set(connection.scalars(select(t.job.c.key).where(t.job.c.model.is_not(None))))


def waiting(database: Database) -> int:
    """Return how many jobs about versions wait; no number of requests keeps a version out.

    Raises:
        TrackingError: the database does not answer.
    """
    asked = select(func.count()).where(t.job.c.state == "queued", t.job.c.model.is_not(None))
    with database.read() as connection:
        return connection.scalar(asked) or 0


def submit_many(arrivals: Iterable[Arrival], lock: Lock) -> int:
    """Submit jobs in transactions of 500, which only the watcher makes; return how many are new.

    Looks are counted in the same transaction, so that no two jobs share one, and a job that was
    there keeps its own.

    Args:
        arrivals: what is new; what is not stays as it is.
        lock: of the watcher.

    Raises:
        LockLost: another process watches; what is left is its task.
        TrackingError: the database does not answer.
    """
    database, count = lock.database, 0
    left = iter(arrivals)
    while some := {one.target.key: one for one in islice(left, _AT_ONCE)}:
        with database.write() as connection:
            lock.require(connection)
            held = connection.scalars(select(t.job.c.key).where(t.job.c.key.in_(some)))
            for key in held.all():
                del some[key]
            if some:
                now = {"created": database.now, "not_before": database.now, "submitted_by": _BY}
                made = insert(t.job).values(state="queued", **now)
                connection.execute(made, _rows(connection, some))
                _tell(connection, database, [*some])
                count += len(some)
    return count


def _rows(connection: Connection, arrivals: Mapping[str, Arrival]) -> list[dict[str, object]]:
    spending = {one.target.profile for one in arrivals.values() if one.spends}
    looks = Counter({profile: _looks(connection, profile) for profile in spending})
    rows: list[dict[str, object]] = []
    for key, one in arrivals.items():
        request, target = one.request, one.target
        if one.spends and request.baseline not in {None, request.candidate}:
            looks[target.profile] += 1
            request = request.model_copy(update={"look": looks[target.profile]})
        row = {"key": key, "kind": request.kind, "request": request.model_dump_json()}
        own = {"profile": target.profile, "model": target.model, "version": target.version}
        rows.append({**row, **own, "priority": one.priority})
    return rows


def _looks(connection: Connection, profile: str) -> int:
    """Return how many jobs have a look, the last field of a request."""
    has = t.job.c.request.not_like('%"look":0}')
    return connection.scalar(select(func.count()).where((t.job.c.profile == profile) & has)) or 0


def _tell(connection: Connection, database: Database, keys: Sequence[str]) -> None:
    database.alone(connection, "event")  # numbers are in the order of commits
    told = select(
        t.job.c.id, database.now, literal("state"), literal(json.dumps({"state": "queued"}))
    ).where(t.job.c.key.in_(keys))
    connection.execute(insert(t.event).from_select(["job", "at", "kind", "data"], told))
