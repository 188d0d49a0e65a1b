"""Moves an alias to a version that passed, unless something has changed since it was judged."""

from typing import Any

from acn_eval.service.records import Job
from acn_eval.service.registered import version_at
from acn_eval.service.requests import Judge
from acn_eval.service.settings import Profile

__all__ = ["promote"]


def promote(client: Any, job: Job, profile: Profile) -> tuple[str, str | None]:
    """Move the alias of a profile, and return a line about it.

    It never moves to an older version, and where it is itself the baseline, only from the version
    that was judged. Nothing in MLflow compares and moves at once: what a person changes within
    the milliseconds between is overwritten.

    Args:
        client: of the registry.
        job: that ended with PASS.
        profile: names the alias.

    Returns:
        The line, and the address of a new baseline against which the version must be judged once
        more; None if it need not.

    Raises:
        MlflowException: the registry does not answer.
    """
    model, version, alias = str(job.model), int(job.version or 0), str(profile.promote)
    own = f"models:/{model}@{alias}"
    if forbidden := _anchor(job):
        return f"not promoted: {forbidden}", None
    current = version_at(client, model, alias)
    if current is not None and current > version:
        return f"not promoted: {own} is version {current}, which is newer", None
    if current != version and profile.baseline == f"@{alias}":
        judged = (job.result or {}).get("baseline", {}).get("address")
        if current is None:
            return f"not promoted: {own} is no version any more", None
        now = f"models:/{model}/{current}"
        if judged != now:
            return f"not promoted: judged against {judged}; {own} is {now} now", now
    if current != version:
        client.set_registered_model_alias(model, alias, str(version))
    return f"promoted: {own} is version {version}", None


def _anchor(job: Job) -> str | None:
    """Return why the anchor forbids it; None if it does not."""
    asked = job.request.anchor if isinstance(job.request, Judge) else None
    said = (job.result or {}).get("anchor") or {}
    if asked is None or said.get("verdict") == "pass":
        return None
    return f"against the anchor {asked}, {said.get('sentence', 'there is no verdict')}"
