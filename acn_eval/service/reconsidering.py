"""Judges a version once more where what it was compared with has changed."""

from collections.abc import Iterator

from sqlalchemy import func, select

from acn_eval.service import tables as t
from acn_eval.service.arriving import Arrival
from acn_eval.service.database import Database
from acn_eval.service.reading import jobs_of
from acn_eval.service.records import Job
from acn_eval.service.registered import Registered
from acn_eval.service.requests import Judge
from acn_eval.service.settings import Profile

__all__ = ["about", "once_more", "refused", "unanswered"]


def unanswered(database: Database, profile: Profile) -> Iterator[Job]:
    """Yield the latest jobs of a profile that a new baseline may answer.

    They had no baseline yet; or it was away, cannot be measured, or is another one by now.

    Raises:
        TrackingError: the database does not answer.
    """
    own = t.job.c.profile == profile.name
    latest = select(func.max(t.job.c.id)).where(own).group_by(t.job.c.model, t.job.c.version)
    ended = t.job.c.state.in_(["done", "failed"]) & t.job.c.verdict.is_distinct_from("pass")
    for job in jobs_of(database, select(t.job).where(t.job.c.id.in_(latest) & ended)):
        alone = isinstance(job.request, Judge) and job.request.baseline is None
        if job.state == "failed" or alone:
            yield job


def refused(database: Database, profile: Profile) -> list[Job]:
    """Return the jobs of a profile whose version cannot be measured.

    Raises:
        TrackingError: the database does not answer.
    """
    own = (t.job.c.profile == profile.name) & (t.job.c.state == "refused")
    return jobs_of(database, select(t.job).where(own))


def about(job: Job, version: Registered) -> bool:
    """Whether a job is about a version: models may be deleted, and made again."""
    against = job.request.baseline if isinstance(job.request, Judge) else None
    once, again = (version.target(str(job.profile), such) for such in ("", against or ""))
    return job.key in {once.key, again.key}


def once_more(job: Job, version: Registered, baseline: str, profile: Profile) -> Arrival:
    """Return a job's question against another baseline, which is asked once."""
    if not isinstance(job.request, Judge):
        raise TypeError(job.request.kind)
    return Arrival(
        job.request.model_copy(update={"baseline": baseline, "look": 0}),
        version.target(profile.name, baseline),
        profile.priority,
        profile.spend_alpha,
    )
