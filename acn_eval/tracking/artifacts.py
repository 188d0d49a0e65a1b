"""Files of runs: results are fetched from them, and a report is attached to one."""

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from acn_eval.errors import ConfigError, DataError
from acn_eval.results import EvalResult
from acn_eval.statistics.comparison_io import FILE, comparison_key
from acn_eval.statistics.pairing import require_complete
from acn_eval.tracking.registry import download, in_mlflow, opened
from acn_eval.tracking.run_content import experiment_name
from acn_eval.tracking.store import TrackingStore, resolve_store
from acn_eval.tracking.stored_results import OnDisk, find

__all__ = ["attach", "fetch", "stored"]

_RUN = re.compile(r"runs:/(?P<run>\w+)")


def fetch(store: TrackingStore, uri: str, folder: Path) -> Path:
    """Download what a run recorded into a folder of that run; return the folder.

    Of a comparison also its arms that are recorded, each in a folder below.

    Args:
        store: that holds the run.
        uri: ``runs:/ID``.
        folder: where the run gets its folder.

    Raises:
        ConfigError: no such run, or none of acn-eval.
        TrackingError: the store does not answer.
    """
    found = _RUN.fullmatch(uri)
    if not found:
        raise ConfigError(f"{uri}: must be runs:/ID of a run that acn-eval recorded")
    run, target = found["run"], folder / found["run"]
    with opened(store, uri) as client:
        if not _comparison(client, run, target):
            if not download(client, run, target):
                msg = f"{uri}: must be a run of acn-eval, with {FILE} or a result; it has neither"
                raise ConfigError(msg)
            return target
        tags = client.get_run(run).data.tags
        for side in ("candidate", "baseline"):
            for arm in filter(None, tags.get(f"acn_eval.{side}_runs", "").split(",")):
                download(client, arm, target / arm)
    return target


def attach(store: TrackingStore, suite: str, key: str, text: str, *, name: str) -> str:
    """Put a file beside the artifacts of a run; the same again changes nothing.

    Args:
        store: that holds the run.
        suite: names the experiment.
        key: of the result or comparison that was recorded; the newest run of it is taken.
        text: content of the file.
        name: of the file.

    Returns:
        The id of the run.

    Raises:
        ConfigError: it is not recorded.
        TrackingError: the store does not answer.
    """
    with opened(store, name) as client:
        experiment = client.get_experiment_by_name(experiment_name(suite))
        found = experiment and client.search_runs(
            [experiment.experiment_id],
            f"tags.`acn_eval.key` = '{key}'",
            max_results=1,
            order_by=["attributes.start_time DESC"],
        )
        if not found:
            msg = f"{name}: must belong to a run in {store.shown}; this result is not recorded."
            raise ConfigError(f"{msg} Record it with acn-eval upload.")
        run = str(found[0].info.run_id)
        client.log_text(run, text, name)
    return run


def _comparison(client: Any, run: str, target: Path) -> bool:
    """Download the comparison of a run, if it has one."""
    if FILE not in {artifact.path for artifact in client.list_artifacts(run)}:
        return False
    target.mkdir(parents=True, exist_ok=True)
    client.download_artifacts(run, FILE, str(target))
    return True


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
