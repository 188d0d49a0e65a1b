"""Writes what is true of a job on its version in the registry, until both agree.

The job table is the truth and tags are its mirror: each look writes what differs, the state last,
and then notes in the table what is shown. Whoever is interrupted writes the same again.
"""

from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Any

from sqlalchemy import String, case, cast, func, or_, select, update

from acn_eval.foreign_text import plain
from acn_eval.service import tables as t
from acn_eval.service.asked import INDEPENDENT, advice
from acn_eval.service.lock import Lock
from acn_eval.service.promoting import Promotion
from acn_eval.service.reading import jobs_of
from acn_eval.service.reconsidering import about
from acn_eval.service.records import FINAL, Job
from acn_eval.service.registered import Registered, version_of
from acn_eval.service.requests import Judge
from acn_eval.service.service import Service
from acn_eval.service.settings import Settings

__all__ = ["ASIDE", "GONE", "mirror", "prefix", "tags_of", "take_back"]

GONE = "gone"
"""What is noted of a job whose version is not in the registry."""
ASIDE = "aside"
"""What is noted of a job whose version could not be written."""
_MARKER = t.job.c.state + " " + cast(t.job.c.attempt, String)  # attempts end in different ways


def mirror(service: Service, client: Any, lock: Lock, *, most: int) -> int:
    """Show jobs that have changed, those that ended first; return how many there were.

    A version that cannot be written is set aside, and tried after all others by the next look.

    Args:
        service: whose jobs.
        client: of the registry.
        lock: of the watcher.
        most: how many.

    Raises:
        LockLost: another process watches.
        MlflowException: the registry does not answer, or refuses a version: the others are
            shown all the same.
        TrackingError: the database does not answer.
    """
    from mlflow.exceptions import MlflowException

    changed = _changed(service, most)
    refused: MlflowException | None = None
    for job in changed:
        try:
            _note(lock, job, _show(service, client, job, lock))
        except MlflowException as exc:
            refused = exc
            _note(lock, job, ASIDE)
            if exc.get_http_status_code() >= HTTPStatus.INTERNAL_SERVER_ERROR:
                break  # of all versions, as far as one can tell
    if refused:
        raise refused
    return len(changed)


def take_back(service: Service, held: Collection[Registered], lock: Lock) -> None:
    """Let jobs go on whose versions are there again.

    A look at another registry, or at an empty one, finds no version: that must cost nothing.

    Args:
        service: whose jobs.
        held: the versions that are there.
        lock: of the watcher.

    Raises:
        LockLost: another process watches.
        TrackingError: the database does not answer.
    """
    versions = {(version.model, version.version): version for version in held}
    for job in jobs_of(service.database, select(t.job).where(t.job.c.mirrored == GONE)):
        version = versions.get((str(job.model), job.version or 0))
        ending = job.cancelled and job.state == "running"  # its worker has not heard of it yet
        if version and about(job, version) and not ending:
            if job.state in {"cancelled", "failed"}:  # for want of the version
                service.jobs.retry(job.id)
            _note(lock, job, None)


def prefix(settings: Settings, version: Registered, tags: Mapping[str, str], profile: str) -> str:
    """Return how the names of a profile's tags begin.

    The first profile that matches a model writes ``acn_eval.state``, another one
    ``acn_eval.PROFILE.state``. Whoever wrote on a version keeps to its names, however profiles
    are changed: no verdict becomes that of another one.
    """
    own, plain_names = f"acn_eval.{profile}.", "acn_eval."
    if writer := tags.get(f"{plain_names}profile"):
        return plain_names if writer == plain(profile) else own
    matching = [p.name for p in settings.profiles if fnmatchcase(version.model, p.models)]
    return plain_names if matching[:1] in ([profile], []) else own


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
        "profile": job.profile,  # whoever wrote it has the names
        "job": job.id,
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
    aside = case((t.job.c.mirrored == ASIDE, 1), else_=0)
    ended_first = case((t.job.c.state.in_(FINAL), 0), else_=1)
    any_of_those = case((aside == 1, func.random()), else_=0)  # none waits for ever
    order = aside, any_of_those, ended_first, t.job.c.id
    return jobs_of(service.database, asked.order_by(*order).limit(most))


def _show(service: Service, client: Any, job: Job, lock: Lock) -> str:
    """Write the tags of a job, and return what is shown."""
    marker = f"{job.state} {job.attempt}"
    found = version_of(client, str(job.model), job.version or 0)
    if found is None or not about(job, found[0]):
        if job.state not in FINAL:
            service.jobs.cancel(job.id)
        return GONE
    version, tags = found
    job = _speaker(service, job, version)
    profile = next((p for p in service.settings.profiles if p.name == job.profile), None)
    line = None
    if profile and profile.promote:
        promotion = Promotion(profile, version, tags)
        line = promotion.earlier
        if job.verdict == "pass":
            line = promotion.promote(client, lock, job)
            if line is None:
                return marker
    begins = prefix(service.settings, version, tags, str(job.profile))
    told = {f"{begins}{name}": value for name, value in tags_of(job, service.url, line).items()}
    if any(tags.get(name) != value for name, value in told.items()):
        with lock.database.write() as connection:
            lock.require(connection)
        _write(client, version, tags, told)
    return marker


def _speaker(service: Service, job: Job, version: Registered) -> Job:
    """Return the job that speaks for a version: the latest, unless it ended without a result.

    Those that are asked once more, or retried, are several.
    """
    same = (t.job.c.model == job.model) & (t.job.c.version == job.version)
    asked = select(t.job).where(same & (t.job.c.profile == job.profile))
    return max(
        (own for own in jobs_of(service.database, asked) if about(own, version)),
        key=lambda own: (own.state in {"queued", "running", "done"}, own.id),
    )


def _write(
    client: Any, version: Registered, tags: Mapping[str, str], told: Mapping[str, str | None]
) -> None:
    """Write and remove what differs, the state last: until then, it says that nothing is final."""
    model, number, known = version.model, str(version.version), dict(tags)
    *_, state = told
    if known.get(state) in FINAL:
        client.set_model_version_tag(model, number, state, "running")
        known[state] = "running"
    for name, value in told.items():
        if value is None and name in known:
            client.delete_model_version_tag(model, number, name)
        elif value is not None and value != known.get(name):
            client.set_model_version_tag(model, number, name, value)


def _note(lock: Lock, job: Job, shown: str | None) -> None:
    with lock.database.write() as connection:
        lock.require(connection)
        own = update(t.job).where(t.job.c.id == job.id)
        connection.execute(own.values(mirrored=shown))
