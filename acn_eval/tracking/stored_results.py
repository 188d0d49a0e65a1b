"""Finds what evaluations left on disk, ready to be recorded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from acn_eval.errors import DataError
from acn_eval.results import EvalResult
from acn_eval.statistics import Comparison
from acn_eval.statistics.comparison_io import FILE, comparison_key, load_comparison

__all__ = ["OnDisk", "find"]


@dataclass(frozen=True)
class OnDisk:
    """Results and comparisons, each with its folder by its key: what `record` takes."""

    results: tuple[EvalResult, ...]
    comparisons: tuple[Comparison, ...]
    artifacts: dict[str, Path]


def find(folders: Sequence[Path]) -> OnDisk:
    """Read every result and comparison in the folders, and directly below them.

    A result that a gate stopped early is left out: MLflow's pages have no limits that hold for it.

    Raises:
        DataError: there is none, or one of them is damaged.
    """
    results = {
        r.key: (r, at)
        for at in _with(folders, "result.json")
        for r in [EvalResult.load(at)]
        if "stopped_early" not in r.details
    }
    comparisons = {
        comparison_key(c): (c, at) for at in _with(folders, FILE) for c in [load_comparison(at)]
    }
    if not results and not comparisons:
        names = ", ".join(map(str, folders))
        msg = f"{names}: must hold results; got none"
        raise DataError(f"{msg}. Name the folder to which acn-eval wrote its results.")
    found = {**results, **comparisons}
    return OnDisk(
        results=tuple(result for result, _ in results.values()),
        comparisons=tuple(comparison for comparison, _ in comparisons.values()),
        artifacts={key: at for key, (_, at) in found.items()},
    )


def _with(folders: Sequence[Path], name: str) -> Iterator[Path]:
    for folder in folders:
        for pattern in (name, f"*/{name}"):
            yield from (file.parent for file in sorted(folder.glob(pattern)))
