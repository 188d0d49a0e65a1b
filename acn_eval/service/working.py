"""The process of a worker: its name, what its jobs inherit, and when it ends."""

import os
import signal
import socket
import stat
import threading
from collections.abc import Callable
from pathlib import Path

from acn_eval.cache import CACHE_ENV, rooted
from acn_eval.engine.choice import EngineChoice
from acn_eval.errors import ConfigError
from acn_eval.service.service import Service
from acn_eval.service.worker import Worker

__all__ = ["work"]

_NAME = 200  # characters, as in the tables


def work(
    service: Service,
    say: Callable[[str], None],
    *,
    name: str | None = None,
    grace: float = 30.0,
    warm: bool = True,
    engine: EngineChoice | None = None,
) -> None:
    """Do jobs in this process until it is stopped; see `Worker`.

    Args:
        service: whose jobs.
        say: takes one line about each job.
        name: of the worker; None takes that of the machine and the number of the process.
        grace: seconds that a job may go on at the end.
        warm: whether a process that has imported torch waits for the next job.
        engine: where jobs are computed, and with how many threads; None leaves these to torch.

    Raises:
        ConfigError: the name is too long, or cannot be printed.
    """
    name = name or f"{socket.gethostname()}-{os.getpid()}"
    if len(name) > _NAME or not name.isprintable():
        msg = f"`name`: must be at most {_NAME} printable characters; got {len(name)}"
        raise ConfigError(msg, "name")
    _end_with_the_server()
    say(f"worker {name}: takes jobs of {service.database.where}")
    engine = engine or EngineChoice()
    Worker(service, name, say, grace, warm, _environment(engine.threads), engine=engine).run()
    say(f"worker {name}: has ended")


def _environment(threads: int | None) -> dict[str, str]:
    """Return what jobs inherit, which run in folders of their own: relative paths are of this."""
    paths = {"ACN_EVAL_DATA": str(Path(os.environ.get("ACN_EVAL_DATA", "data")).absolute())}
    if CACHE_ENV in os.environ:
        paths[CACHE_ENV] = rooted(os.environ[CACHE_ENV])
    few = {"OMP_NUM_THREADS": str(threads)} if threads else {}
    return {**os.environ, **paths, **few}


def _end_with_the_server() -> None:
    """Stop this process as SIGTERM does when its stdin closes, if a server has given it a pipe."""
    if stat.S_ISFIFO(os.fstat(0).st_mode):
        threading.Thread(target=_watch, daemon=True).start()


def _watch() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
