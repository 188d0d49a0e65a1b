"""Finds results by their keys: in the folder of the service, or else in MLflow."""

import tempfile
from pathlib import Path

from acn_eval.errors import DataError
from acn_eval.reach import confined
from acn_eval.results import EvalResult
from acn_eval.service.access.sources import Sources
from acn_eval.service.service import Service
from acn_eval.statistics import Comparison
from acn_eval.stores import opened
from acn_eval.stores.artifacts import artifacts_of
from acn_eval.studies.compare import compare
from acn_eval.tracking.registry import download

__all__ = ["NoResult", "compared", "stored_result"]

_EXPERIMENTS = 1000


class NoResult(DataError):
    """Nobody has stored a result with this key."""


def stored_result(service: Service, key: str) -> EvalResult:
    """Return the result with a key of 16 hex digits.

    Raises:
        CheckpointError, ConfigError: it lies where nothing is read for a request.
        DataError: it is damaged.
        NoResult: there is none, neither here nor in MLflow.
        TrackingError: it is not here, and MLflow's store does not answer.
    """
    for folder in (service.home / "results").glob(f"*-{key}"):
        if (folder / "result.json").is_file():  # comparisons have keys, too
            return EvalResult.load(folder)
    with tempfile.TemporaryDirectory() as downloads:
        if not _downloaded(service, key, Path(downloads)):
            raise NoResult(f"{key}: must be the key of a stored result; there is none")
        return EvalResult.load(Path(downloads))


def compared(service: Service, candidate: str, baseline: str) -> Comparison:
    """Return the comparison of two stored results; nothing is measured.

    Raises:
        ConfigError: they answer different questions.
        DataError, NoResult, TrackingError: see `stored_result`.
    """
    return compare([stored_result(service, candidate)], [stored_result(service, baseline)])


def _downloaded(service: Service, key: str, folder: Path) -> bool:
    with opened(service.store, key) as client:
        held = client.search_experiments(
            filter_string="name LIKE 'acn-eval/%'", max_results=_EXPERIMENTS
        )
        found = held and client.search_runs(
            [experiment.experiment_id for experiment in held],
            f"tags.`acn_eval.key` = '{key}'",
            max_results=1,
        )
        if not found:
            return False
        with confined(Sources.of(service.settings, service.store)):
            run = artifacts_of(client, service.store, f"runs:/{found[0].info.run_id}")
            return download(run, folder)
