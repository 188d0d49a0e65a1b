"""A process of its own that opens the store while the evaluation runs, and then records."""

import multiprocessing
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from acn_eval.errors import AcnEvalError
from acn_eval.results import EvalResult
from acn_eval.statistics import Comparison
from acn_eval.tracking.record import Recorded, record_in, warm_up
from acn_eval.tracking.store import TrackingStore, tracking_errors

__all__ = ["Recorder", "preparing"]


@dataclass(frozen=True)
class Recorder:
    """Records in the process that `preparing` started."""

    store: TrackingStore
    _connection: Connection

    def record(
        self,
        results: Sequence[EvalResult],
        comparisons: Sequence[Comparison] = (),
        *,
        artifacts: Mapping[str, Path] | None = None,
    ) -> Recorded:
        """Write one run per result and one per comparison, as `acn_eval.tracking.record` does.

        Should the process have died, this one does the work: doing it again changes nothing.

        Raises:
            TrackingError: the store cannot be written.
        """
        job = (results, comparisons, artifacts or {})
        answer: Recorded | AcnEvalError
        try:
            self._connection.send(job)
            answer = self._connection.recv()
        except (EOFError, OSError):
            answer = record_in(self.store, *job)
        if isinstance(answer, AcnEvalError):
            raise answer
        return answer


@contextmanager
def preparing(store: TrackingStore) -> Iterator[Recorder]:
    """Open the store in another process while the body runs; the body records with it.

    Importing MLflow and creating a database take seconds, which the evaluation would otherwise
    wait for. Leaving the body ends the process; a store that is half made is not there yet.

    Raises:
        ConfigError: its address is none.
        TrackingError: its folder cannot be written, or the database does not let anyone in; a
            server is asked when there is something.
    """
    with tracking_errors(store):
        store.require_database()
        store.lock()
    spawn = multiprocessing.get_context("spawn")  # a fork would copy torch's threads and CUDA
    here, there = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(there, store), daemon=True)
    with _deaf():
        process.start()
    there.close()
    try:
        yield Recorder(store, here)
    finally:
        here.close()
        process.terminate()
        process.join()


@contextmanager
def _deaf() -> Iterator[None]:
    """What starts in here never hears Ctrl-C: the parent decides what that means.

    An ignored signal is inherited, so that not even the imports of the child can be interrupted.
    In a thread nothing is changed: only the main thread hears signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, heard)


def _serve(connection: Connection, store: TrackingStore) -> None:
    with suppress(AcnEvalError):  # it will be said when there is something to record
        warm_up(store)
    with suppress(EOFError, BrokenPipeError):  # the parent is gone, or was killed
        while True:
            connection.send(_answer(store, connection.recv()))


def _answer(
    store: TrackingStore,
    job: tuple[Sequence[EvalResult], Sequence[Comparison], Mapping[str, Path]],
) -> Recorded | AcnEvalError:
    try:
        return record_in(store, *job)
    except AcnEvalError as exc:
        return exc
