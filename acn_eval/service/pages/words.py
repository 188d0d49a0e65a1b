"""What pages say about jobs and times, in the words of the command line."""

from datetime import UTC, datetime

from acn_eval.service.records import Job
from acn_eval.service.requests import Check, Evaluate, Judge

__all__ = [
    "about",
    "ago",
    "duration",
    "moment",
    "said",
    "standing",
    "title",
    "tone",
    "verdict_label",
]

_STATES = {"queued": "waiting"}
_TONES = {
    "pass": "good",
    "fail": "bad",
    "no verdict": "unsure",
    "not measured": "unsure",
    "failed": "bad",
    "refused": "unsure",
    "running": "busy",
}
_SHOWN = 3  # addresses of a list
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


def title(job: Job) -> str:
    """Return what a job is about: a version, a candidate, or the name of a check."""
    if job.model is not None:
        return f"{job.model} version {job.version}"
    match job.request:
        case Judge(candidate=candidate):
            return candidate
        case Evaluate(candidates=candidates):
            return _listed(candidates)
        case Check(name=name):
            return f"check {name}".rstrip()


def about(job: Job) -> str:
    """Return what is asked about it, in one line."""
    profile = f", profile: {job.profile}" if job.profile else ""
    match job.request:
        case Judge(gate=gate, baseline=baseline):
            against = f"against {baseline}" if baseline else "without a baseline"
            return f"{against} (gate: {gate}{profile})"
        case Evaluate(suite=suite, baselines=baselines):
            return f"{_against(baselines)} (suite: {suite}{profile})"
        case Check():
            return "measures nothing: shows that a worker takes jobs"


def said(job: Job) -> str:
    """Return the sentence of the verdict, or the line that says why there is none."""
    return str((job.result or {}).get("sentence", "")) or job.error or ""


def standing(job: Job) -> str:
    """Return the verdict of a job as the command line says it, or else its state."""
    if job.verdict is not None:
        return verdict_label(job.verdict)
    if job.state == "running" and job.cancelled:
        return "stopping"
    return _STATES.get(job.state, job.state)


def tone(standing: str) -> str:
    """Return the colour of what `standing` or a rule says.

    >>> tone("PASS"), tone("waiting")
    ('good', 'calm')
    """
    return _TONES.get(standing.lower(), "calm")


def verdict_label(verdict: str) -> str:
    """Return a verdict as the command line prints it.

    >>> verdict_label("no_verdict")
    'NO VERDICT'
    """
    return verdict.replace("_", " ").upper()


def ago(seconds: float) -> str:
    """Return how long ago something was, so coarsely that a page seldom changes for it.

    >>> ago(3), ago(200), ago(-7300), ago(200_000)
    ('just now', '3 min ago', 'in 2 h', '2 days ago')
    """
    if abs(seconds) < _MINUTE:
        return "just now"
    text = _rounded(abs(seconds))
    return f"{text} ago" if seconds > 0 else f"in {text}"


def duration(seconds: float) -> str:
    """Return how long something took.

    >>> duration(0.25), duration(75), duration(4000), duration(200_000)
    ('0.2 s', '1 min 15 s', '1 h 6 min', '2 days')
    """
    if seconds < _MINUTE:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min {int(seconds % _MINUTE)} s"
    if seconds < 2 * _DAY:
        return f"{int(seconds // _HOUR)} h {int(seconds % _HOUR // _MINUTE)} min"
    return _rounded(seconds)


def moment(at: float) -> datetime:
    """Return a time of the database, in seconds since 1970, as one in UTC."""
    return datetime.fromtimestamp(at, UTC)


def _rounded(seconds: float) -> str:
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min"
    if seconds < 2 * _DAY:
        return f"{int(seconds // _HOUR)} h"
    return f"{int(seconds // _DAY):,} days"


def _listed(addresses: tuple[str, ...]) -> str:
    more = len(addresses) - _SHOWN
    return ", ".join(addresses[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _against(baselines: tuple[str, ...] | None) -> str:
    if baselines is None:
        return "against the baseline that its card names"
    return f"against {_listed(baselines)}" if baselines else "without a baseline"
