"""The queue: what runs, what waits, and what ended lately."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from acn_eval.service.jobs import Jobs
from acn_eval.service.records import FINAL, Job, State

__all__ = ["Listed", "filtered", "overview"]

_PAGE = 25  # jobs
_NEXT = 10  # waiting jobs of the overview


@dataclass(frozen=True)
class Listed:
    """Jobs under a heading.

    Attributes:
        total: how many there are in all; None where nobody counted.
        older: the number before which further ones begin; None if these are all.
    """

    jobs: Sequence[Job]
    total: int | None = None
    older: int | None = None


def overview(jobs: Jobs) -> dict[str, Any]:
    """Return what the first page shows: a list for each kind of state, the next to run first."""
    counts = jobs.counts()
    running = jobs.page(states=("running",), limit=_PAGE)
    waiting = jobs.page(states=("queued",), limit=_NEXT, next_first=True)
    ended = jobs.page(states=FINAL, limit=_PAGE + 1)
    return {
        "counts": counts,
        "running": Listed(running, counts.get("running", 0)),
        "waiting": Listed(waiting, counts.get("queued", 0)),
        "ended": _cut(ended),
    }


def filtered(
    jobs: Jobs, *, state: State | None, model: str | None, before: int | None
) -> dict[str, Any]:
    """Return one page of all jobs of a state and a model, the latest first."""
    states = (state,) if state else ()
    found = jobs.page(states=states, model=model, before=before, limit=_PAGE + 1)
    return {"counts": jobs.counts(), "found": _cut(found)}


def _cut(found: Sequence[Job]) -> Listed:
    """Leave out the one that only says that there are more."""
    more = len(found) > _PAGE
    return Listed(found[:_PAGE], older=found[_PAGE - 1].id if more else None)
