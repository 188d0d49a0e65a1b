"""Finds stored results that are named on the command line: folders, and runs of MLflow."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from acn_eval.errors import ConfigError, DataError
from acn_eval.results import EvalResult
from acn_eval.statistics.comparison_io import comparison_key
from acn_eval.statistics.pairing import require_complete
from acn_eval.tracking import OnDisk, fetch, find, in_mlflow, resolve_store

__all__ = ["stored"]


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
            raise type(exc)(str(exc).replace(f"{folder}/", "runs:/")) from exc


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
