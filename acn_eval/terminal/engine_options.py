"""The options of a run that say where it is computed."""

from typing import Any

import click

from acn_eval.engine.choice import EngineChoice
from acn_eval.terminal.titled import titled

__all__ = ["engine_choice", "engine_options"]

_machine = titled("Measurement")
engine_options = (
    _machine(
        "--engine",
        metavar="NAME",
        show_default="local, or processes with --workers",
        help="Where it is computed: local (this process), processes, ray, or ray://ADDRESS.",
    ),
    _machine(
        "--workers",
        type=click.IntRange(1, 4096),
        show_default="one per GPU or core",
        help="Workers of the engine; each measures alone.",
    ),
    _machine(
        "--threads",
        type=click.IntRange(1, 1024),
        show_default="all cores; 1 in workers",
        help="CPU threads per worker; equal threads give equal bytes on every engine.",
    ),
    _machine(
        "--allow-mixed",
        is_flag=True,
        help="Take workers with other versions or hardware, and say so in the results.",
    ),
)


def engine_choice(**given: Any) -> EngineChoice:
    """Return the engine of a run; ``--workers`` alone takes processes.

    Raises:
        ConfigError, MissingExtra: see `EngineChoice.require`.
    """
    workers = given.get("workers")
    named = given.get("engine") or ("local" if workers is None else "processes")
    mixed = given.get("allow_mixed", False)
    choice = EngineChoice(named, workers, given.get("threads"), mixed)
    choice.require()  # before a plan, or a service whose jobs would all fail
    return choice
