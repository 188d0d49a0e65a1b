"""Writes results, comparisons and rankings to MLflow, here or in a process of its own.

Writing them again changes nothing.
"""

import multiprocessing
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from acn_eval.errors import AcnEvalError
from acn_eval.lazy import uncollected
from acn_eval.results import EvalResult
from acn_eval.statistics import Comparison
from acn_eval.statistics.ranking import Ranking
from acn_eval.stores.store import (
    TrackingStore,
    quiet_environment,
    resolve_store,
    tracking_errors,
)
from acn_eval.tracking.comparisons import comparison_run, step_in_words
from acn_eval.tracking.rankings import ranking_run
from acn_eval.tracking.result_run import arm_run
from acn_eval.tracking.run_content import RunContent
from acn_eval.tracking.writer import Writer

__all__ = ["Recorded", "Recorder", "import_mlflow", "preparing", "record"]

_Compared = Comparison | Ranking
_Job = tuple[Sequence[EvalResult], Sequence[_Compared], Mapping[str, Path]]


@dataclass(frozen=True)
class Recorded:
    """The store, the ids of its experiments by name, and those of runs by key of the record."""

    store: TrackingStore
    experiments: Mapping[str, str]
    runs: Mapping[str, str]


def record(
    results: Sequence[EvalResult],
    comparisons: Sequence[_Compared] = (),
    *,
    tracking_uri: str | None = None,
    cwd: Path,
    artifacts: Mapping[str, Path] | None = None,
) -> Recorded:
    """Write one run per result, and one per comparison or ranking.

    Args:
        results: arms; each is identified by its key.
        comparisons: comparisons and rankings, linked to their arms, those of this call and those
            recorded before.
        tracking_uri: as in `resolve_store`.
        cwd: folder that relative addresses start from.
        artifacts: folders whose files belong to a run, by the key of what it is about.

    Raises:
        TrackingError: the store cannot be written; nothing is lost, the folders are complete.
    """
    return _record(resolve_store(tracking_uri, cwd=cwd), (results, comparisons, artifacts or {}))


def _record(store: TrackingStore, job: _Job) -> Recorded:
    results, comparisons, artifacts = job
    import_mlflow()
    with tracking_errors(store, artifacts), store.lock():
        writer = Writer(store.client(), store)
        runs: dict[str, str] = {}
        for result in results:
            runs[result.key] = writer.write(arm_run(result), artifacts.get(result.key), result)
        for compared in comparisons:
            content = _content(writer, compared, runs)
            runs[content.key] = writer.write(content, artifacts.get(content.key))
        return Recorded(store, writer.experiments, runs)


def _content(writer: Writer, compared: _Compared, runs: Mapping[str, str]) -> RunContent:
    """Return the run of a comparison or a ranking; arms that were recorded before are linked."""
    experiment = writer.experiment(compared.suite, step_in_words(compared))
    known = {**writer.find_arms(experiment, compared.keys), **runs}
    if isinstance(compared, Ranking):
        return ranking_run(compared, known)
    return comparison_run(compared, known, experiment)


def import_mlflow() -> None:
    """Take the seconds that it needs before the lock is held, for which others wait."""
    quiet_environment()
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401


@dataclass(frozen=True)
class Recorder:
    """Records in the process that `preparing` started, without one in this process."""

    store: TrackingStore
    _connection: Connection | None = None

    def record(
        self,
        results: Sequence[EvalResult],
        comparisons: Sequence[_Compared] = (),
        *,
        artifacts: Mapping[str, Path] | None = None,
    ) -> Recorded:
        """Write the runs that the function `record` writes.

        If the process has died, this one does the work, which may safely be done twice.

        Raises:
            TrackingError: the store cannot be written.
        """
        job = (results, comparisons, artifacts or {})
        if self._connection is None:
            return _record(self.store, job)
        answer: Recorded | AcnEvalError
        try:
            self._connection.send(job)
            answer = self._connection.recv()
        except (EOFError, OSError):
            answer = _record(self.store, job)
        if isinstance(answer, AcnEvalError):
            raise answer
        return answer


@contextmanager
def preparing(store: TrackingStore) -> Iterator[Recorder]:
    """Open the store in another process while the body runs; the body records with it.

    Importing MLflow and creating a database take seconds, which the evaluation would otherwise
    wait for. Leaving the body ends the process; no half-created store is left behind.

    Raises:
        ConfigError: the address of the store is invalid.
        TrackingError: the folder cannot be written, or the database cannot be opened; a server
            is asked only when there is something to record.
    """
    with tracking_errors(store):
        store.require_database()
        store.lock()
    spawn = multiprocessing.get_context("spawn")  # a fork would copy torch's threads and CUDA
    here, there = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(there, store), daemon=True)
    with _without_interrupts():
        process.start()
    there.close()
    try:
        yield Recorder(store, here)
    finally:
        here.close()
        process.terminate()
        process.join()


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Let a process that starts here ignore Ctrl-C, which is left to its parent.

    A child inherits an ignored signal, so that even its imports cannot be interrupted. Only the
    main thread handles signals; in any other nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


def _serve(connection: Connection, store: TrackingStore) -> None:
    with suppress(AcnEvalError):  # it is raised again when there is something to record
        with uncollected():
            import_mlflow()
        with tracking_errors(store), store.lock():
            store.client().search_experiments(max_results=1)
    with suppress(EOFError, BrokenPipeError):  # the parent is gone, or was killed
        while True:
            connection.send(_answer(store, connection.recv()))


def _answer(store: TrackingStore, job: _Job) -> Recorded | AcnEvalError:
    try:
        return _record(store, job)
    except AcnEvalError as exc:
        return exc
