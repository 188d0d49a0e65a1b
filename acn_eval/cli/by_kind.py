"""What the terminal says of each kind of suite: one table of modules with `show`."""

from collections.abc import Sequence
from importlib import import_module

from rich.console import Console

from acn_eval.results import EvalResult
from acn_eval.statistics import Comparison

__all__ = ["show_results"]

_WORDS = {
    "robustness": "acn_eval.cli.words",
    "compression": "acn_eval.cli.words_compression",
    "dynamics": "acn_eval.cli.words_dynamics",
    "pruning": "acn_eval.cli.words_pruning",
    "transfer": "acn_eval.cli.words_transfer",
    "low_data": "acn_eval.cli.words_low_data",
}


def show_results(
    out: Console, results: Sequence[EvalResult], comparison: Comparison | None
) -> None:
    """Print results of one suite, and their comparison, in the words of its kind."""
    words = import_module(_WORDS[str(results[0].suite.get("kind", "robustness"))])
    words.show(out, results, comparison)
