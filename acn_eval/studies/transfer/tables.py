"""What the terminal shows of transfer: every depth, and what validation chose."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from acn_eval.results import EvalResult, Scalar
from acn_eval.statistics import Comparison
from acn_eval.terminal.comparisons import show_answer, show_conditions, show_details
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
    metric: str | None = None,
) -> None:
    """Print the answer, the depths, and one line per network."""
    show_answer(out, results, comparison, metric)
    show_conditions(out, results, comparison, metric, shown=_is_shown, named=_brief)
    out.print(_LEGEND, style="dim")
    legend(out)
    for result in results:
        for label, found in result.details.get("protocols", {}).items():
            out.print(f"{result.checkpoint.name}, {label}: {_in_words(result, found)}.")
    show_details(out, comparison)


def _brief(name: str) -> str:
    """The values of a reading, a protocol and a named depth are clear without the field."""
    name = name.replace("reading ", "").replace("protocol ", "")
    return name.replace("exit last", "last").replace("exit chosen", "chosen")


def _is_shown(condition: Mapping[str, Scalar]) -> bool:
    """Every depth on clean images; of noise and of few training images the named depths alone."""
    clean = condition.get("corruption", "clean") == "clean"
    return (clean and "per_class" not in condition) or isinstance(condition["exit"], str)


def _in_words(result: EvalResult, found: Mapping[str, Any]) -> str:
    if "probes" not in found:
        return f"fine-tuned for {found['recipe']['steps']} steps"
    last = [p for p in found["probes"] if p["reading"] == "stream"][-1]
    chosen, mean = found["chosen"], last["mean_per_class"]
    value, low, high = (100 * mean[name] for name in ("value", "low", "high"))
    if isinstance(chosen, int):
        chosen = f"exit {chosen} of {result.details['features']['exits'] - 1}"
    return (
        f"validation (n = {last['validation_n']}) chose {chosen}; the last has a mean accuracy"
        f" per class of {value:.1f} % [{low:.1f}, {high:.1f}];"
        f" the solver took {found['seconds']:.1f} s"
    )
