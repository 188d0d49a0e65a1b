"""Writes a network without the blocks that are proven superfluous."""

from pathlib import Path

from acn_eval.checkpoints import Checkpoint, cut_at, export
from acn_eval.errors import ConfigError, Unsupported
from acn_eval.results import EvalResult
from acn_eval.run_options import RunOptions
from acn_eval.studies.compression.depth import cut_of
from acn_eval.workflow.sides import source_of

__all__ = ["exported", "write"]


def exported(options: RunOptions, file: Path | None, exit: int | None) -> Checkpoint | None:
    """Return the network that is written, if any; refuse before anything is measured.

    Raises:
        ConfigError: a file that cannot hold it, or a network that cannot be cut there.
    """
    if file is None:
        if exit is not None:
            msg = "`at`: needs `export`, the file that is written"
            raise ConfigError(msg, "at", "export")
        return None
    source = source_of(options, file)
    try:
        cut_at(source, exit or 0)
    except Unsupported as exc:
        raise ConfigError(f"`export`: {exc}", "export") from exc
    return source


def write(source: Checkpoint, result: EvalResult, file: Path, exit: int | None = None) -> str:
    """Write the network, cut at an exit or at the upper limit of the cut of its result.

    Returns:
        What was written, in words.
    """
    cut = cut_of(result)
    assert cut is not None
    at = cut.high if exit is None else exit
    export(source, at, file)
    proven = "the whole network: no block is proven superfluous on these images"
    why = "the proven cut" if cut.high < cut.depth else proven
    why, size = why if exit is None else "as requested", file.stat().st_size / 1e6
    return f"{file}: {result.checkpoint.name} cut at exit {at}, {why}; {size:.2f} MB"
