"""The verdict in words: what decided it, what would have settled it, and rows for tables."""

import math
from collections.abc import Iterable, Iterator

import numpy as np

from acn_eval.gate.verdict import Decision, GateRule, Verdict
from acn_eval.statistics.quantity import SHARE

__all__ = ["LABEL", "cells", "head", "legend", "line", "sentence", "status"]

LABEL: dict[Decision, str] = {"pass": "PASS", "fail": "FAIL", "no_verdict": "NO VERDICT"}
_MOST_DECIMALS = 4
_NAMED = 10


def sentence(verdict: Verdict) -> str:
    """Return one complete sentence.

    Every case names the rules that decided; a pass that is worse than the baseline says so.
    """
    limits = "; ".join(_limited_to(verdict))
    return f"{_words(verdict)}{f' ({limits})' * bool(limits)}."


def line(row: GateRule) -> str:
    """Return a rule in one line, e.g. ``clean -0.3 [-1.2, +0.6] points (-2.0 is allowed)``."""
    if row.estimate is None:
        return f"{row.name}: not measured ({row.note})"
    if row.measure == "difference":
        unit = f" {row.quantity.difference_unit}".rstrip()
        return f"{row.name} {_limits(row)}{unit} ({_allowed(row)} is allowed)"
    return f"{row.name} {_limits(row)} ({_allowed(row)} is required)"


def status(row: GateRule) -> str:
    """Return the verdict of a rule in words; a rule that only raises alarms passes quietly."""
    if row.verdict == "no_verdict" and not row.required:
        return "no alarm"
    return row.verdict.replace("_", " ")


def head(verdict: Verdict) -> tuple[str, ...]:
    """Return the heads of the columns of `cells`."""
    shown = f"{verdict.data}, n = {verdict.n:,}"
    shown += f" of {verdict.total:,}" * verdict.early
    difference = f"difference{_levels(verdict)}"
    return shown, difference, "allowed", "verdict", "MDE", "examples needed", "notes"


def cells(row: GateRule) -> tuple[str, ...]:
    """Return one row of a table; MDE is the distance from what is allowed."""
    mde = ("", "") if row.mde is None else (row.quantity.text(row.mde), _needed(row))
    return row.name, _limits(row), _allowed(row), status(row), *mde, row.note


def legend(verdict: Verdict) -> str:
    """Return how to read the table, in one line."""
    when = "valid whenever one stops" if verdict.early else "one-sided"
    quantity = verdict.rules[0].quantity if verdict.rules else SHARE
    good, bad = ("lower", "above"), ("upper", "below")
    (first, past), (last, short) = (good, bad) if quantity.higher_is_better else (bad, good)
    unit = f" in {quantity.difference_unit}" if quantity.difference_unit else ""
    return (
        f"Differences are candidate - baseline{unit}, with limits that are {when}. A rule passes "
        f"where its {first} limit is {past} what is allowed, and fails where its {last} limit is "
        f"{short} (at a level that is adjusted over all rules). MDE: smallest distance from what "
        "is allowed that is reliably detectable (80 % power); examples needed: for a verdict if "
        "the two do not differ. The sample is the examples: this is about these two files, "
        f"judged on {_classes(verdict)}."
    )


def _classes(verdict: Verdict) -> str:
    count, named = len(verdict.classes), ", ".join(verdict.classes[:_NAMED])
    of = f" of {verdict.all_classes}" * verdict.chosen
    return f"{count}{of} classes: {named}{', ...' * (count > _NAMED)}"


def _levels(verdict: Verdict) -> str:
    judged = next((row for row in verdict.rules if row.level), None)
    if judged is None:
        return ""
    levels = dict.fromkeys(f"{100 * level:.4g}" for level in (judged.level, judged.upper_level))
    return f" [limits at {', '.join(levels)} %]"


def _limits(row: GateRule) -> str:
    if row.estimate is None:
        return ""
    sign, unit = ("+", "") if row.measure == "difference" else ("", _unit_of(row))
    value, low, high = (
        f"{row.quantity.scale * x:{sign}.{_decimals(row)}f}"
        for x in (row.estimate.value, row.estimate.low, row.estimate.high)
    )
    return f"{value}{unit} [{low}, {high}]"


def _allowed(row: GateRule) -> str:
    sign, unit = ("+", "") if row.measure == "difference" else ("", _unit_of(row))
    return f"{row.quantity.scale * row.bound:{sign}.{_decimals(row)}f}{unit}"


def _unit_of(row: GateRule) -> str:
    return f" {row.quantity.unit}".rstrip()


def _decimals(row: GateRule) -> int:
    """As few as show on which side of what is allowed a limit lies."""
    e, scale = row.estimate, row.quantity.scale
    bound, fewest = scale * row.bound, row.quantity.decimals
    gaps = [] if e is None else [scale * e.low - bound, scale * e.high - bound]
    for decimals in range(fewest, fewest + _MOST_DECIMALS - 1):
        shown = round(bound, decimals)
        moved = [round(gap + bound, decimals) - shown for gap in gaps]
        if math.isclose(shown, bound) and all(np.sign(np.round(moved, 9)) == np.sign(gaps)):
            return decimals
    return fewest + _MOST_DECIMALS - 1


def _needed(row: GateRule) -> str:
    return "no number" if row.images_needed is None else f"{row.images_needed:,}"


def _words(verdict: Verdict) -> str:
    rows, ours, theirs = verdict.rules, verdict.candidate.name, verdict.baseline.name
    required = [row for row in rows if row.required]
    missing = [row for row in rows if row.verdict == "not_measured"]
    if verdict.identical and not missing:
        same = "are identical: same weights (sha256), architecture and preprocessing"
        floors = [line(row) for row in rows if row.measure == "accuracy"]
        return "; ".join([f"{ours} and {theirs} {same}", *floors])
    if verdict.verdict == "pass":
        worse = [row.name for row in required if row.note == "worse"]
        beside = f"; within the margin, but worse: {', '.join(worse)}" if worse else ""
        return f"{ours} is not worse than {theirs} beyond the margins: {_lines(required)}{beside}"
    if verdict.verdict == "fail":
        failed = _lines(row for row in rows if row.verdict == "fail")
        return f"{ours} is worse than {theirs} beyond the margins: {failed}"
    if missing:
        return f"{ours} cannot be judged against {theirs}; {_lines(missing)}"
    return f"{verdict.n:,} examples are too few to judge {ours} against {theirs}: " + "; ".join(
        f"{line(row)}{_why_open(row)}" for row in required if row.verdict == "no_verdict"
    )


def _why_open(row: GateRule) -> str:
    if row.images_needed is None or row.images_needed > row.n:
        return f", which needs about {_needed(row)} examples"
    return ", which is too close to call"


def _limited_to(verdict: Verdict) -> Iterator[str]:
    """Yield of what the verdict is not: of all examples, or of all classes."""
    if verdict.early:
        yield f"stopped early, after {verdict.n:,} of {verdict.total:,} examples"
    if verdict.chosen:
        yield f"judged on {_classes(verdict)}"


def _lines(rows: Iterable[GateRule]) -> str:
    return "; ".join(map(line, rows))
