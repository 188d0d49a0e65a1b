"""What the terminal says of each kind of suite: one table of modules with `show`."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from rich.console import Console

from acn_eval.results import EvalResult
from acn_eval.statistics import Comparison

__all__ = ["show_overview", "show_results"]

_WORDS = {
    "robustness": "acn_eval.terminal.tables",
    "compression": "acn_eval.studies.compression.tables",
    "continual": "acn_eval.studies.continual.tables",
    "dynamics": "acn_eval.studies.dynamics.tables",
    "pruning": "acn_eval.studies.pruning.tables",
    "transfer": "acn_eval.studies.transfer.tables",
    "low_data": "acn_eval.studies.low_data.tables",
}


def show_results(
    out: Console, results: Sequence[EvalResult], comparison: Comparison | None
) -> None:
    """Print results of one suite, and their comparison, in the words of its kind."""
    _words(results).show(out, results, comparison)


def show_overview(
    out: Console, results: Sequence[EvalResult], comparisons: Sequence[Comparison]
) -> None:
    """Print several groups of results of one suite, and their comparisons, together."""
    _words(results).overview(out, results, comparisons)


def _words(results: Sequence[EvalResult]) -> Any:
    return import_module(_WORDS[str(results[0].suite.get("kind", "robustness"))])
