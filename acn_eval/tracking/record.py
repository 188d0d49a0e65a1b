"""Writes results and comparisons to MLflow; writing them again changes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from acn_eval.results import EvalResult
from acn_eval.statistics import Comparison
from acn_eval.tracking.comparisons import comparison_run, step_in_words
from acn_eval.tracking.result_run import arm_run
from acn_eval.tracking.store import (
    TrackingStore,
    quiet_environment,
    resolve_store,
    tracking_errors,
)
from acn_eval.tracking.writer import Writer

__all__ = ["Recorded", "record", "record_in", "warm_up"]


@dataclass(frozen=True)
class Recorded:
    """Where the runs are.

    Attributes:
        store: the store that was written.
        experiments: id by name.
        runs: id by the key of the result or comparison.
    """

    store: TrackingStore
    experiments: Mapping[str, str]
    runs: Mapping[str, str]


def record(
    results: Sequence[EvalResult],
    comparisons: Sequence[Comparison] = (),
    *,
    tracking_uri: str | None = None,
    cwd: Path,
    artifacts: Mapping[str, Path] | None = None,
) -> Recorded:
    """Write one run per result and one per comparison.

    Args:
        results: arms; each is found again by its key.
        comparisons: linked to their arms, those of this call and those recorded before.
        tracking_uri: as in `resolve_store`.
        cwd: where the default store is, and what relative addresses start from.
        artifacts: folders whose files belong to a run, by the key of its result or comparison.

    Raises:
        TrackingError: the store cannot be written; nothing is lost, the folders are complete.
    """
    return record_in(resolve_store(tracking_uri, cwd=cwd), results, comparisons, artifacts or {})


def record_in(
    store: TrackingStore,
    results: Sequence[EvalResult],
    comparisons: Sequence[Comparison],
    artifacts: Mapping[str, Path],
) -> Recorded:
    """Write to a store that is resolved; otherwise as `record`."""
    _import_mlflow()
    with tracking_errors(store, artifacts), store.lock():
        writer = Writer(store.client(), store.artifacts)
        runs: dict[str, str] = {}
        for result in results:
            runs[result.key] = writer.write(arm_run(result), artifacts.get(result.key), result)
        for comparison in comparisons:
            experiment = writer.experiment(comparison.suite, step_in_words(comparison))
            known = {**writer.find_arms(experiment, comparison), **runs}
            content = comparison_run(comparison, known, experiment)
            runs[content.key] = writer.write(content, artifacts.get(content.key))
        return Recorded(store, writer.experiments, runs)


def warm_up(store: TrackingStore) -> None:
    """Import MLflow, create a missing store and open it, so that `record_in` is quick.

    Raises:
        TrackingError: the store cannot be opened.
    """
    _import_mlflow()
    with tracking_errors(store), store.lock():
        store.client().search_experiments(max_results=1)


def _import_mlflow() -> None:
    """Take the seconds that it needs before the lock is held: others wait for that."""
    quiet_environment()
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401
