"""The verdict in words: what decided it, and what would have settled it."""

from collections.abc import Iterable

from acn_eval.gate.verdict import GateRule, Verdict

__all__ = ["LABEL", "limits", "line", "needed", "sentence"]

LABEL = {
    "pass": "PASS",
    "fail": "FAIL",
    "no_verdict": "NO VERDICT",
    "not_measured": "NOT MEASURED",
}


def sentence(verdict: Verdict) -> str:
    """Return one complete sentence.

    Every case names the rules that decided; a pass that is worse than the baseline says so.
    """
    pair = f"{verdict.candidate.name} against {verdict.baseline.name}"
    return f"{pair}: {_words(verdict)}{_shown(verdict)}"


def line(row: GateRule) -> str:
    """Return a rule in one line, e.g. ``clean -0.3 points [-1.2, +0.6], margin 2.0``."""
    if row.estimate is None:
        return f"{row.name} was not measured ({row.note})"
    return f"{row.name} {limits(row)}, {_bound(row)}"


def limits(row: GateRule) -> str:
    """Return the estimate and its one-sided limits; differences in points, accuracies in %."""
    if row.estimate is None:
        return ""
    sign, unit = ("+", " points") if row.measure == "difference" else ("", " %")
    value, low, high = (
        f"{100 * x:{sign}.1f}" for x in (row.estimate.value, row.estimate.low, row.estimate.high)
    )
    return f"{value}{unit} [{low}, {high}]"


def needed(row: GateRule) -> str:
    """Return how many images a verdict would need, in words."""
    return "no number of" if row.images_needed is None else f"{row.images_needed:,}"


def _bound(row: GateRule) -> str:
    if row.measure == "difference":
        return f"margin {-100 * row.bound:.1f}"
    return f"floor {100 * row.bound:.1f}"


def _words(verdict: Verdict) -> str:
    rows = verdict.rules
    required = [row for row in rows if row.required]
    if verdict.identical:
        return _of_identical(verdict)
    if verdict.verdict == "pass":
        worse = [row.name for row in required if row.note == "worse"]
        beside = f"; within the margin, but worse: {', '.join(worse)}" if worse else ""
        return f"not worse than allowed; {_lines(required)}{beside}"
    if verdict.verdict == "fail":
        return f"worse than allowed; {_lines(r for r in rows if r.verdict == 'fail')}"
    missing = [row for row in rows if row.verdict == "not_measured"]
    if missing:
        return f"cannot be judged; {_lines(missing)}"
    return f"{verdict.n:,} images cannot tell; " + "; ".join(
        f"{line(row)}, which needs about {needed(row)} images"
        for row in required
        if row.verdict == "no_verdict"
    )


def _of_identical(verdict: Verdict) -> str:
    same = "identical networks: same weights (sha256), architecture and preprocessing"
    floors = [row for row in verdict.rules if row.measure == "accuracy"]
    return f"{same}; {_lines(floors)}" if floors else same


def _shown(verdict: Verdict) -> str:
    if not verdict.early:
        return ""
    return f" (stopped after {verdict.n:,} of {verdict.total:,} images)"


def _lines(rows: Iterable[GateRule]) -> str:
    return "; ".join(map(line, rows))
