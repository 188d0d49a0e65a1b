"""What the terminal says of transfer: every depth, what validation chose, and what it took."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from rich.console import Console

from acn_eval.results import EvalResult, Scalar
from acn_eval.statistics import Accuracy, Comparison, Row
from acn_eval.studies.compare import summarize
from acn_eval.terminal.tables import show_accuracies, show_rows, show_verdict

__all__ = ["show"]


def show(out: Console, results: Sequence[EvalResult], comparison: Comparison | None) -> None:
    """Print the depths, one line per network, and the verdict where there is one."""
    if comparison is not None:
        show_rows(out, comparison, [_brief(r) for r in comparison.rows if _is_shown(r.condition)])
    else:
        own = [_brief(a) for a in summarize(results) if _is_shown(a.condition)]
        show_accuracies(out, own, results[0])
    out.print(
        "stream: what norm and head read, in an ACN the sum of all outputs; block: what the next "
        "block reads; last: the deepest exit of the stream, chosen: its best on validation",
        style="dim",
    )
    for result in results:
        for label, found in result.details.get("protocols", {}).items():
            out.print(f"{result.checkpoint.name}, {label}: {_in_words(result, found)}")
    if comparison is not None:
        show_verdict(out, comparison)


_Named = TypeVar("_Named", Row, Accuracy)


def _brief(row: _Named) -> _Named:
    """The values of a reading, a protocol and a named depth say what they are."""
    name = row.name.replace("reading ", "").replace("protocol ", "")
    return replace(row, name=name.replace("exit last", "last").replace("exit chosen", "chosen"))


def _is_shown(condition: Mapping[str, Scalar]) -> bool:
    """Every depth on undisturbed images; of noise and of few images the named depths alone."""
    clean = condition.get("corruption", "clean") == "clean"
    return (clean and "per_class" not in condition) or isinstance(condition["exit"], str)


def _in_words(result: EvalResult, found: Mapping[str, Any]) -> str:
    if "probes" not in found:
        return f"trained on for {found['recipe']['steps']} steps"
    features = result.details["features"]
    own = [p for p in found["probes"] if p["reading"] == "stream"]
    last = [p for p in own if p["exit"] == features["exits"] - 1][-1]
    mean = last["mean_per_class"]
    return (
        f"validation (n = {last['validation_n']}) chose exit {found['chosen']} of"
        f" {features['exits'] - 1}; mean per class of the last {100 * mean['value']:.1f}"
        f" [{100 * mean['low']:.1f}, {100 * mean['high']:.1f}];"
        f" solver {found['seconds']:.1f} s"
    )
