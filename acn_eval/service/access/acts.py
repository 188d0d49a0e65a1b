"""What people do to jobs, over the API and on the page: looked at first, and noted."""

from math import inf

from acn_eval.errors import ConfigError
from acn_eval.service.access.audit import Audit
from acn_eval.service.access.guards import require
from acn_eval.service.access.sources import Sources
from acn_eval.service.access.tokens import Principal
from acn_eval.service.records import Job
from acn_eval.service.requests import Check, Evaluate, Judge
from acn_eval.service.service import Service

__all__ = ["cancel", "retry", "submit"]


def submit(
    service: Service, who: Principal, request: Check | Evaluate | Judge, *, since: float = inf
) -> tuple[Job, bool]:
    """Return the job of a request, and whether it is new, see `Jobs.submit`.

    Raises:
        CheckpointError, ConfigError, DataError: it names what it may not, see `Sources`, or a
            look, which the service alone counts.
        TrackingError: the database does not answer.
    """
    if isinstance(request, Judge) and request.look:
        msg = f"look: must be left out, because only a profile counts; got {request.look}"
        raise ConfigError(msg)
    Sources.of(service.settings, service.store).admitted(request)
    job, new = service.jobs.submit(request, by=who.name, since=since)
    if new:
        _note(service, who, "job submitted", job)
    return job, new


def cancel(service: Service, who: Principal, number: int) -> Job:
    """Cancel a job, see `Jobs.cancel`."""
    job = service.jobs.cancel(number)
    _note(service, who, "job cancelled", job)
    return job


def retry(service: Service, who: Principal, number: int) -> Job:
    """Queue a job again, see `Jobs.retry`; one whose PASS moves an alias needs the scope promote.

    Raises:
        HTTPException: the scope is missing.
    """
    profile = service.jobs.job(number).profile
    if any(own.promote for own in service.settings.profiles if own.name == profile):
        require(who, "promote")
    job = service.jobs.retry(number)
    _note(service, who, "job retried", job)
    return job


def _note(service: Service, who: Principal, what: str, job: Job) -> None:
    Audit(service.database).note(who.name, what, f"job {job.id}")
