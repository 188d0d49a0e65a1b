"""The verdict in words: what decided it, what would have settled it, and rows for tables."""

import math
from collections.abc import Iterable

import numpy as np

from acn_eval.gate.verdict import Decision, GateRule, Verdict

__all__ = ["LABEL", "cells", "head", "legend", "line", "sentence", "status"]

LABEL: dict[Decision, str] = {"pass": "PASS", "fail": "FAIL", "no_verdict": "NO VERDICT"}
_MOST_DECIMALS = 4


def sentence(verdict: Verdict) -> str:
    """Return one complete sentence.

    Every case names the rules that decided; a pass that is worse than the baseline says so.
    """
    pair = f"{verdict.candidate.name} against {verdict.baseline.name}"
    return f"{pair}: {_words(verdict)}{_shown(verdict)}"


def line(row: GateRule) -> str:
    """Return a rule in one line, e.g. ``clean -0.3 [-1.2, +0.6] points, -2.0 allowed``."""
    if row.estimate is None:
        return f"{row.name} was not measured ({row.note})"
    if row.measure == "difference":
        return f"{row.name} {_limits(row)} points, {_allowed(row)} allowed"
    return f"{row.name} {_limits(row)}, {_allowed(row)} asked for"


def status(row: GateRule) -> str:
    """Return the verdict of a rule in words; a rule that only raises alarms passes quietly."""
    if row.verdict == "no_verdict" and not row.required:
        return "no alarm"
    return row.verdict.replace("_", " ")


def head(verdict: Verdict) -> tuple[str, ...]:
    """Return the heads of the columns of `cells`."""
    shown = f"{verdict.data}, n = {verdict.n:,}"
    if verdict.early:
        shown += f" of {verdict.total:,}"
    return (
        shown,
        f"difference{_levels(verdict)}",
        "allowed",
        "verdict",
        "MDE",
        "images needed",
        "",
    )


def cells(row: GateRule) -> tuple[str, ...]:
    """Return one row of a table; MDE is the distance from what is allowed."""
    text = _allowed(row)
    if row.estimate is None:
        return row.name, "", text, status(row), "", "", row.note
    if row.mde is None:
        return row.name, _limits(row), text, status(row), "", "", row.note
    mde = f"{100 * row.mde:.1f}"
    return row.name, _limits(row), text, status(row), mde, _needed(row), row.note


def legend(verdict: Verdict) -> str:
    """Return how to read the table, in one line."""
    when = "valid whenever one stops" if verdict.early else "one-sided each"
    return (
        f"candidate - baseline in points; limits {when}; a rule passes where its lower limit is "
        "above what is allowed, and fails where its upper limit is below (its level is adjusted "
        "over all rules); "
        "MDE: distance from there that is seen with 80 % power; images needed for a verdict if "
        "the two do not differ; images are the sample: this is about these two files"
    )


def _levels(verdict: Verdict) -> str:
    judged = next((row for row in verdict.rules if row.level), None)
    if judged is None:
        return ""
    levels = dict.fromkeys(f"{100 * level:.4g}" for level in (judged.level, judged.upper_level))
    return f" [limits at {', '.join(levels)} %]"


def _limits(row: GateRule) -> str:
    if row.estimate is None:
        return ""
    sign, unit = ("+", "") if row.measure == "difference" else ("", " %")
    value, low, high = (
        f"{100 * x:{sign}.{_decimals(row)}f}"
        for x in (row.estimate.value, row.estimate.low, row.estimate.high)
    )
    return f"{value}{unit} [{low}, {high}]"


def _allowed(row: GateRule) -> str:
    allowed, decimals = 100 * row.bound, _decimals(row)
    if row.measure == "difference":
        return f"{allowed:+.{decimals}f}"
    return f"{allowed:.{decimals}f} %"


def _decimals(row: GateRule) -> int:
    """As few as show on which side of what is allowed a limit lies."""
    e, bound = row.estimate, 100 * row.bound
    gaps = [] if e is None else [100 * e.low - bound, 100 * e.high - bound]
    for decimals in range(1, _MOST_DECIMALS):
        shown = round(bound, decimals)
        moved = [round(gap + bound, decimals) - shown for gap in gaps]
        if math.isclose(shown, bound) and all(np.sign(np.round(moved, 9)) == np.sign(gaps)):
            return decimals
    return _MOST_DECIMALS


def _needed(row: GateRule) -> str:
    return "no number" if row.images_needed is None else f"{row.images_needed:,}"


def _words(verdict: Verdict) -> str:
    rows = verdict.rules
    required = [row for row in rows if row.required]
    missing = [row for row in rows if row.verdict == "not_measured"]
    if verdict.identical and not missing:
        return _of_identical(verdict)
    if verdict.verdict == "pass":
        worse = [row.name for row in required if row.note == "worse"]
        beside = f"; within the margin, but worse: {', '.join(worse)}" if worse else ""
        return f"not worse than allowed; {_lines(required)}{beside}"
    if verdict.verdict == "fail":
        return f"worse than allowed; {_lines(r for r in rows if r.verdict == 'fail')}"
    if missing:
        return f"cannot be judged; {_lines(missing)}"
    return f"{verdict.n:,} images cannot tell; " + "; ".join(
        f"{line(row)}{_why_open(row)}" for row in required if row.verdict == "no_verdict"
    )


def _why_open(row: GateRule) -> str:
    if row.images_needed is None or row.images_needed > row.n:
        return f", which needs about {_needed(row)} images"
    return ", too close to call"


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
