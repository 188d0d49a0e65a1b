"""Files of runs: results are fetched from them, and a report is attached to one."""

import re
from pathlib import Path
from typing import Any

from acn_eval.errors import ConfigError
from acn_eval.statistics.comparison_io import FILE
from acn_eval.tracking.registry import download, opened
from acn_eval.tracking.run_content import experiment_name
from acn_eval.tracking.store import TrackingStore

__all__ = ["attach", "fetch"]

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
