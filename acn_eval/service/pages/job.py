"""One job: what was asked, what happened, and what came out."""

import json
from collections.abc import Iterator
from typing import Any

from acn_eval.errors import DataError
from acn_eval.gate.sentence import cells, head, legend
from acn_eval.gate.verdict import Verdict
from acn_eval.report.verdicts import read_verdict
from acn_eval.service.asked import INDEPENDENT
from acn_eval.service.pages.words import standing, verdict_label
from acn_eval.service.records import FINAL, Event, Job
from acn_eval.service.service import Service

__all__ = ["facts", "verdict_of"]

_EVENTS = 200


def facts(service: Service, number: int) -> dict[str, Any]:
    """Return what the page of a job shows.

    Raises:
        ConfigError: there is no such job.
    """
    job = service.jobs.job(number)
    verdict, damage = _read(service, job)
    return {
        "job": job,
        "ended": job.state in FINAL,
        "request": job.request.model_dump_json(indent=2, exclude_defaults=True),
        "events": [
            (event.at, _told(event, job.submitted_by))
            for event in service.jobs.events(number, kind="state", limit=_EVENTS)
        ],
        "verdict": verdict,
        "damage": damage,
        "table": verdict and (head(verdict), [cells(row) for row in verdict.rules]),
        "legend": legend(verdict) if verdict else "",
        "report": service.jobs.document(number, "report.html") is not None,
        "results": (job.result or {}).get("results", []),
        "runs": (job.result or {}).get("runs", {}).values(),
        "notes": [*_notes(job)],
        "mlflow": service.store.shown if service.store.server else "",
        "standing": standing(job),
    }


def verdict_of(service: Service, job: Job) -> Verdict | None:
    """Return the verdict of a job; None if it has none, or another version wrote it."""
    return _read(service, job)[0]


def _read(service: Service, job: Job) -> tuple[Verdict | None, str]:
    held = service.jobs.document(job.id, "verdict.json") if job.verdict else None
    if held is None:
        return None, ""
    try:
        return read_verdict(json.loads(held), f"job {job.id}"), ""
    except DataError as exc:
        return None, str(exc)


def _notes(job: Job) -> Iterator[str]:
    """Yield what belongs to a verdict: that of the anchor, and at which level it was judged."""
    result = job.result or {}
    if anchor := result.get("anchor"):
        yield f"Against the anchor: {verdict_label(anchor['verdict'])}. {anchor['sentence']}"
    look = getattr(job.request, "look", 0)
    if look and "alpha" in result:
        level = f"judged at alpha = {result['alpha']:.4g}"
        yield f"Look {look} of its profile, {level}: {INDEPENDENT}."


def _told(event: Event, by: str) -> str:
    """Return an event in words."""
    state, error = event.data["state"], event.data.get("error")
    if state == "running":
        return f"started by {event.data['worker']}, attempt {event.data['attempt']}"
    if state == "queued":
        return f"waits to be tried again: {error}" if error else f"waits, submitted by {by}"
    verdict = event.data.get("verdict")
    said = f"verdict: {verdict_label(verdict)}" if verdict else error
    return f"{state}, {said}" if said else state
