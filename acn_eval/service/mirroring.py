"""Writes what is true of a job on its version in the registry, until both agree.

The job table is the truth and tags are its mirror: each look writes what differs, the state last,
and then notes in the table what is shown. Whoever is interrupted writes the same again.
"""

from fnmatch import fnmatchcase
from typing import Any

from sqlalchemy import String, case, cast, or_, select, update

from acn_eval.foreign_text import plain
from acn_eval.service import tables as t
from acn_eval.service.access.audit import Audit
from acn_eval.service.arriving import submit_many
from acn_eval.service.asked import INDEPENDENT, advice
from acn_eval.service.lock import Lock
from acn_eval.service.promoting import promote
from acn_eval.service.reading import as_job
from acn_eval.service.reconsidering import about, once_more
from acn_eval.service.records import FINAL, Job
from acn_eval.service.registered import Registered, version_of
from acn_eval.service.requests import Judge
from acn_eval.service.service import Service
from acn_eval.service.settings import Settings

__all__ = ["GONE", "mirror", "prefix", "tags_of"]

GONE = "gone"
"""What is noted of a job whose version was deleted."""
_TOLERATED = 2  # errors about single versions; more are an outage
_MARKER = t.job.c.state + " " + cast(t.job.c.attempt, String)  # attempts end in different ways


def mirror(service: Service, client: Any, lock: Lock, *, most: int) -> int:
    """Show jobs that have changed, those that ended first; return how many there were.

    Args:
        service: whose jobs.
        client: of the registry.
        lock: of the watcher.
        most: how many.

    Raises:
        LockLost: another process watches.
        MlflowException: the registry does not answer, or refuses one version: the others are
            shown all the same.
        TrackingError: the database does not answer.
    """
    from mlflow.exceptions import MlflowException

    changed = _changed(service, most)
    errors: list[MlflowException] = []
    for job in changed:
        try:
            shown = _show(service, client, job, lock)
        except MlflowException as exc:
            errors.append(exc)
            if len(errors) > _TOLERATED:
                break
        else:
            _note(lock, job, shown)
    if errors:
        raise errors[0]
    return len(changed)


def prefix(settings: Settings, model: str, profile: str) -> str:
    """Return how the names of a profile's tags begin.

    The first profile that matches a model writes ``acn_eval.state``, another one
    ``acn_eval.PROFILE.state``.
    """
    matching = [p.name for p in settings.profiles if fnmatchcase(model, p.models)]
    return "acn_eval." if matching[:1] in ([profile], []) else f"acn_eval.{profile}."


def tags_of(job: Job, url: str, promotion: str | None = None) -> dict[str, str | None]:
    """Return tags by the ends of their names; None is one that is not there.

    The state is the last to be written: who reads it can rely on the others.

    Args:
        job: about a version.
        url: of the service.
        promotion: a line about its alias.
    """
    done = job.state == "done"
    result = (job.result or {}) if done else {}
    page, asked = f"{url}/jobs/{job.id}", job.asked if done else None
    look = job.request.look if isinstance(job.request, Judge) else 0
    found = {
        "job": job.id,
        "profile": job.profile,
        "report": f"{page}/report" if done else page,
        "gate": result.get("verdict"),
        "gate_name": result.get("gate"),
        "gate_baseline": (result.get("baseline") or {}).get("address"),
        "sentence": result.get("sentence"),
        "asked": advice(asked) if asked else None,
        "alpha": f"{result['alpha']:.3g}; {INDEPENDENT}" if look and "alpha" in result else None,
        "promotion": promotion,
        "error": job.error,
        "state": job.state,
    }
    return {name: None if value is None else plain(str(value)) for name, value in found.items()}


def _changed(service: Service, most: int) -> list[Job]:
    differs = or_(t.job.c.mirrored.is_(None), t.job.c.mirrored.not_in([_MARKER, GONE]))
    asked = select(t.job).where(t.job.c.model.is_not(None) & differs)
    ended_first = case((t.job.c.state.in_(FINAL), 0), else_=1), t.job.c.id
    with service.database.read() as connection:
        rows = connection.execute(asked.order_by(*ended_first).limit(most)).mappings()
        return [as_job(row) for row in rows]


def _show(service: Service, client: Any, job: Job, lock: Lock) -> str:
    """Write the tags of a job, and return what is shown."""
    marker = f"{job.state} {job.attempt}"
    found = version_of(client, str(job.model), job.version or 0)
    if found is None or not about(job, found[0]):
        if job.state not in FINAL:
            service.jobs.cancel(job.id)
        return GONE
    if _replaced(service, job):
        return marker
    version, tags = found
    profile = next((p for p in service.settings.profiles if p.name == job.profile), None)
    promotion = None
    if profile and profile.promote and job.verdict == "pass":
        promotion, baseline = promote(client, job, profile)
        if baseline and submit_many([once_more(job, version, baseline, profile)], lock):
            return marker
    begins = prefix(service.settings, version.model, str(job.profile))
    if promotion and promotion != tags.get(f"{begins}promotion"):
        Audit(service.database).note(f"profile {job.profile}", "alias", promotion)
    for name, value in tags_of(job, service.url, promotion).items():
        _write(client, version, f"{begins}{name}", tags.get(f"{begins}{name}"), value)
    return marker


def _replaced(service: Service, job: Job) -> bool:
    """Whether the version is judged once more by a later job, which then speaks for it."""
    same = (t.job.c.model == job.model) & (t.job.c.version == job.version)
    later = select(t.job.c.id).where(same & (t.job.c.profile == job.profile))
    with service.database.read() as connection:
        return connection.scalar(later.where(t.job.c.id > job.id).limit(1)) is not None


def _write(client: Any, version: Registered, name: str, old: str | None, new: str | None) -> None:
    """Write or remove a tag, unless it is as it should be."""
    if new is not None and new != old:
        client.set_model_version_tag(version.model, str(version.version), name, new)
    elif new is None and old is not None:
        client.delete_model_version_tag(version.model, str(version.version), name)


def _note(lock: Lock, job: Job, shown: str) -> None:
    with lock.database.write() as connection:
        lock.require(connection)
        own = update(t.job).where(t.job.c.id == job.id)
        connection.execute(own.values(mirrored=shown))
