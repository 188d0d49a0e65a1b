"""What the terminal says of transfer: every depth, what validation chose, and what it took."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from rich.console import Console

from acn_eval.results import EvalResult, Scalar
from acn_eval.statistics import Accuracy, Comparison, Row
from acn_eval.studies.compare import summarize
from acn_eval.terminal.comparisons import (
    show_accuracies,
    show_answer,
    show_details,
    show_rows,
)
from acn_eval.terminal.glossary import legend

__all__ = ["show"]

_LEGEND = (
    "stream: what the final norm and the head read, in an ACN the sum of all outputs; block: what "
    "the next block reads; last: the deepest exit; chosen: the exit that is best on validation."
)


def show(
    out: Console,
    results: Sequence[EvalResult],
    comparison: Comparison | None,
    metric: str = "accuracy",
) -> None:
    """Print the answer, the depths, and one line per network."""
    show_answer(out, results, comparison, metric)
    if comparison is not None:
        show_rows(out, comparison, [_brief(r) for r in comparison.rows if _is_shown(r.condition)])
    else:
        own = [_brief(a) for a in summarize(results, metric=metric) if _is_shown(a.condition)]
        show_accuracies(out, own, results[0])
    out.print(_LEGEND, style="dim")
    legend(out)
    for result in results:
        for label, found in result.details.get("protocols", {}).items():
            out.print(f"{result.checkpoint.name}, {label}: {_in_words(result, found)}.")
    if comparison is not None:
        show_details(out, comparison)


_Named = TypeVar("_Named", Row, Accuracy)


def _brief(row: _Named) -> _Named:
    """The values of a reading, a protocol and a named depth say what they are."""
    name = row.name.replace("reading ", "").replace("protocol ", "")
    return replace(row, name=name.replace("exit last", "last").replace("exit chosen", "chosen"))


def _is_shown(condition: Mapping[str, Scalar]) -> bool:
    """Every depth on clean images; of noise and of few images the named depths alone."""
    clean = condition.get("corruption", "clean") == "clean"
    return (clean and "per_class" not in condition) or isinstance(condition["exit"], str)


def _in_words(result: EvalResult, found: Mapping[str, Any]) -> str:
    if "probes" not in found:
        return f"fine-tuned for {found['recipe']['steps']} steps"
    features = result.details["features"]
    own = [p for p in found["probes"] if p["reading"] == "stream"]
    last = [p for p in own if p["exit"] == features["exits"] - 1][-1]
    mean = last["mean_per_class"]
    return (
        f"validation (n = {last['validation_n']}) chose exit {found['chosen']} of"
        f" {features['exits'] - 1}; the last has a mean accuracy per class of"
        f" {100 * mean['value']:.1f} % [{100 * mean['low']:.1f}, {100 * mean['high']:.1f}];"
        f" the solver took {found['seconds']:.1f} s"
    )
