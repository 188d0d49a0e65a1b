"""Jobs of a service in words, and what a job's end is to a pipeline."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from acn_eval.terminal.console import console, say
from acn_eval.terminal.progress import bar
from acn_eval.terminal.tables import Column, show_table

if TYPE_CHECKING:
    from acn_eval.client import Client
    from acn_eval.service.answers import JobAnswer

__all__ = ["exit_code", "follow", "headline", "show_job", "show_jobs"]

_VERDICTS = {"pass": ("PASS", 0), "fail": ("FAIL", 1), "no_verdict": ("NO VERDICT", 3)}
_STATES = {"done": 0, "refused": 2}
_NOT_DONE = 4
_STYLE = {0: "bold green", 1: "bold red", 3: "bold yellow"}
_COLUMNS = (("job", 0), ("state", 0), ("what", 0), ("verdict", 0), ("asked by", 2), ("since", 1))


def exit_code(job: "JobAnswer") -> int:
    """Return the exit code of a job that ended: that of its verdict, as `acn-eval gate` has it.

    A job without a verdict is 0 if it is done, 2 if it was refused, and 4 if it failed or was
    cancelled.
    """
    if job.state == "done" and job.verdict:
        return _VERDICTS[job.verdict][1]
    return _STATES.get(job.state, _NOT_DONE)


def headline(job: "JobAnswer") -> str:
    """Return one line: the verdict, else the state and its reason."""
    said = str((job.result or {}).get("sentence", ""))
    if job.state == "done" and job.verdict:
        return f"{_VERDICTS[job.verdict][0]}: {said}"
    parts = [f"job {job.id}: {job.state}", said, job.error or ""]
    return ", ".join(part for part in parts if part)


def show_jobs(jobs: Iterable["JobAnswer"]) -> None:
    """Print a table of jobs."""
    columns = [Column(name, rank=rank, text=True) for name, rank in _COLUMNS]
    rows = [
        (
            str(job.id),
            _state(job),
            _what(job),
            _VERDICTS[job.verdict][0] if job.verdict else "",
            job.submitted_by,
            f"{job.created:%Y-%m-%d %H:%M}",
        )
        for job in jobs
    ]
    if rows:
        show_table(console(), columns, rows)
    else:
        say("No job. Submit one: acn-eval submit gate --ckpt models:/NAME/1 --baseline res_vit.pt")


def show_job(job: "JobAnswer") -> None:
    """Print a job, line by line."""
    console().print(headline(job), style=_STYLE.get(exit_code(job)) if job.verdict else None)
    facts: dict[str, Any] = {
        "what": _what(job),
        "asked by": job.submitted_by,
        "queued": job.created,
        "started": job.started,
        "finished": job.finished,
        "worker": job.owner,
        "attempts": job.attempt,
        "progress": _progress(job),
        "verdicts about this test set": job.asked,
        "runs in MLflow": " ".join((job.result or {}).get("runs", {}).values()),
        "results": " ".join((job.result or {}).get("results", ())),
    }
    for name, value in facts.items():
        if value:
            said = f"{value:%Y-%m-%d %H:%M:%S} UTC" if hasattr(value, "astimezone") else value
            say(f"{name}: {said}")


def follow(client: "Client", number: int) -> "JobAnswer":
    """Show the progress of a job until it ends, and return it."""
    job = client.job(number)
    with bar(_what(job), "units") as move:
        for event in client.events(number):
            if "total" in event.data:
                move(int(event.data["done"]), int(event.data["total"]))
            elif event.data.get("state") in {"queued", "running"}:
                say(f"job {number}: {_told(event.data)}", err=True)
    return client.job(number)


def _told(data: Any) -> str:
    parts: Sequence[str] = [str(data["state"])]
    if "worker" in data:
        parts = [*parts, f"on {data['worker']}"]
    if int(data.get("attempt", 1)) > 1:
        parts = [*parts, f"attempt {data['attempt']}"]
    if "error" in data:
        parts = [*parts, str(data["error"])]
    return ", ".join(parts)


def _state(job: "JobAnswer") -> str:
    return " ".join(filter(None, (job.state, _progress(job) if job.state == "running" else "")))


def _progress(job: "JobAnswer") -> str:
    return f"{job.done:,}/{job.total:,}" if job.total else ""


def _what(job: "JobAnswer") -> str:
    if job.model is not None:
        return f"{job.profile}: {job.model} version {job.version}"
    asked = job.request
    match asked.kind:
        case "gate":
            return f"{asked.gate}: {asked.candidate} against {asked.baseline}"
        case "evaluate":
            return f"{asked.suite}: {', '.join(asked.candidates)}"
    return " ".join(filter(None, (asked.kind, asked.name)))
