"""What becomes of a job whose process has ended."""

import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from acn_eval.foreign_text import plain, shown
from acn_eval.service.attending import Ended
from acn_eval.service.jobs import Jobs
from acn_eval.service.records import Claim

__all__ = ["Outcome", "crash", "failed", "outcome"]

Outcome = tuple[str, Callable[[], None]]
"""In words, and the call that writes it."""
_DOCUMENTS = ("verdict.json", "report.html")
_DOCUMENT = 1 << 25  # bytes
_ERROR = 2000  # characters
_BAD_INPUT = 2  # exit code
_MUST = "job {job}: must end with a result; got"


def outcome(jobs: Jobs, claim: Claim, ended: Ended, folder: Path, died: str) -> Outcome:
    """Return how a job ended.

    Args:
        jobs: the queue.
        claim: the job.
        ended: how its process ended.
        folder: the documents that it left.
        died: why it died, where it did.
    """
    must = _MUST.format(job=claim.id)
    match ended.how:
        case "answered" if ended.answer is not None:
            return _answered(jobs, claim, ended.answer, folder)
        case "cancelled":
            return "cancelled", partial(jobs.finish, claim, "cancelled")
        case "left":
            return "put back", partial(jobs.release, claim)
        case "lost":
            return "dropped, because another worker has it", _nothing
        case "late":
            remedy = "Finished parts are kept; `job_seconds` in the settings allows more."
            return failed(jobs, claim, f"{must} none in time. {remedy}")
        case _:
            return failed(jobs, claim, f"{must} {plain(shown(died), _ERROR)}")


def crash(code: int, last_line: str, log: str) -> str:
    """Return why a process died, from its exit code and the last line that it printed."""
    if code >= 0:
        return f"exit code {code} ({last_line or 'it printed nothing'}). See {log}."
    name = f"signal {-code}"
    with suppress(ValueError):
        name = signal.Signals(-code).name
    remedy = " Linux kills so when memory runs out." if code == -signal.SIGKILL else ""
    return f"{name}.{remedy} See {log}."


def _answered(jobs: Jobs, claim: Claim, answer: Mapping[str, Any], folder: Path) -> Outcome:
    if "result" in answer:
        result = answer["result"]
        done = partial(
            jobs.finish,
            claim,
            "done",
            result=result,
            documents=_documents(folder, answer.get("documents", ())),
        )
        return f"done: {result.get('sentence', '')}", done
    said = plain(shown(str(answer["error"])), _ERROR)
    if answer["name"] == "Refused":
        return f"refused: {said}", partial(jobs.finish, claim, "refused", error=said)
    if answer["name"] == "TrackingError":
        return f"later, because {said}", partial(jobs.fail, claim, said, counts=False)
    return failed(jobs, claim, said, final=answer["code"] == _BAD_INPUT)


def _documents(folder: Path, names: Any) -> dict[str, bytes]:
    """Read documents of known names that are not too large."""
    files = {name: folder / name for name in _DOCUMENTS if name in names}
    return {
        name: file.read_bytes()
        for name, file in files.items()
        if not file.is_symlink() and file.stat().st_size <= _DOCUMENT
    }


def failed(jobs: Jobs, claim: Claim, said: str, *, final: bool = False) -> Outcome:
    """Return the failure of a job, which may be tried again unless it is final."""
    return f"failed: {said}", partial(jobs.fail, claim, said, final=final)


def _nothing() -> None:
    """Write nothing: the job is another worker's."""
