"""What a user asks of an engine."""

import os
from dataclasses import dataclass
from importlib.util import find_spec

from acn_eval.engine.ray_address import cluster_of
from acn_eval.errors import ConfigError, MissingExtra

__all__ = ["EngineChoice"]


@dataclass(frozen=True)
class EngineChoice:
    """Where a run is computed; it never decides what is found, but for `threads`.

    Attributes:
        engine: ``"local"`` (this process), ``"processes"``, or ``"ray"``, with ``://ADDRESS`` for
            a cluster that is there.
        workers: how many tasks run at once; None takes one per GPU or, on the CPU, as many as have
            `threads` cores each.
        threads: of the CPU, per worker; None takes those of torch in this process, and one in
            workers. How many decides how sums are rounded.
        allow_mixed: take workers whose environment differs, and say so in the results.
    """

    engine: str = "local"
    workers: int | None = None
    threads: int | None = None
    allow_mixed: bool = False

    @property
    def is_local(self) -> bool:
        """Whether this process measures."""
        return self.engine == "local"

    @property
    def fixed_threads(self) -> int | None:
        """Threads of every process that measures; None where torch decides."""
        return self.threads or (None if self.is_local else 1)

    def require(self) -> None:
        """Refuse what can be no engine; nothing is started, and no cluster is asked.

        Raises:
            ConfigError: there is none of that name, its address is none or needs a token, or it
                has no workers to count.
            MissingExtra: it needs a package.
        """
        if self.is_local and self.workers not in (None, 1):
            msg = f"`engine`: must not be local where there are workers; got {self.workers}"
            raise ConfigError(msg, "engine")
        if self.engine in ("local", "processes"):
            return
        if self.engine.partition("://")[0] != "ray":
            msg = f"`engine`: must be local, processes, ray or ray://ADDRESS; got {self.engine}"
            raise ConfigError(msg, "engine")
        if find_spec("ray") is None:
            raise MissingExtra("the engine ray", "ray")
        cluster_of(self.engine)

    def in_this_process(self) -> "EngineChoice":
        """Return the local engine, which finds the same bytes."""
        return EngineChoice(threads=self.fixed_threads)

    @property
    def places(self) -> int:
        """How many workers there are where nobody says it, on the CPU."""
        return self.workers or max(1, len(os.sched_getaffinity(0)) // (self.fixed_threads or 1))
