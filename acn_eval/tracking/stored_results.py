"""Finds what evaluations left on disk or in MLflow, ready to be compared or recorded."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from acn_eval.errors import ConfigError, DataError
from acn_eval.results import EvalResult
from acn_eval.statistics import Comparison
from acn_eval.statistics.comparison_io import FILE, comparison_key, load_comparison
from acn_eval.statistics.pairing import require_complete
from acn_eval.tracking.artifacts import fetch
from acn_eval.tracking.registry import in_mlflow
from acn_eval.tracking.store import resolve_store

__all__ = ["OnDisk", "find", "stored"]


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


@contextmanager
def stored(given: Sequence[str], tracking_uri: str | None) -> Iterator[OnDisk]:
    """Yield everything that folders or ``runs:/ID`` hold, in the order in which they are given.

    Raises:
        ConfigError: no such run, or a result that a gate stopped early.
        DataError: no such folder, one without results, or damaged ones.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            yield _joined([find([_folder(uri, tracking_uri, Path(folder))]) for uri in given])
        except (ConfigError, DataError) as exc:  # runs are called what the user called them
            said = str(exc).replace(f"{folder}/", "runs:/")
            raise type(exc)(said, *exc.arguments) from exc


def _joined(parts: Sequence[OnDisk]) -> OnDisk:
    return OnDisk(
        results=tuple({r.key: r for part in parts for r in part.results}.values()),
        comparisons=tuple(
            {comparison_key(c): c for part in parts for c in part.comparisons}.values()
        ),
        artifacts={key: at for part in parts for key, at in part.artifacts.items()},
    )


def _folder(uri: str, tracking_uri: str | None, downloads: Path) -> Path:
    if in_mlflow(uri):
        return fetch(resolve_store(tracking_uri, cwd=Path.cwd()), uri, downloads)
    folder = Path(uri)
    if not folder.is_dir():
        raise DataError(f"{uri}: must be a folder of results, or runs:/ID; there is none")
    if (folder / "result.json").is_file():  # `find` would pass over one that was stopped early
        require_complete([EvalResult.load(folder)])
    return folder
