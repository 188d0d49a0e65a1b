"""Writes a network without the blocks that are proven superfluous."""

from dataclasses import replace
from pathlib import Path

from acn_eval import workflow
from acn_eval.checkpoints import Checkpoint, cut_at, export, find
from acn_eval.errors import ConfigError, Unsupported
from acn_eval.results import EvalResult
from acn_eval.run_options import RunOptions
from acn_eval.studies.compression.depth import Cut, cut_of

__all__ = ["source_of", "write"]


def source_of(options: RunOptions, file: Path | None, exit: int | None) -> Checkpoint | None:
    """Return the network that is written, if any; refuse before anything is measured.

    Raises:
        ConfigError: a file that cannot hold it, or a network that cannot be cut there.
    """
    if file is None:
        if exit is not None:
            msg = "`at`: needs `export`, the file that is written"
            raise ConfigError(msg, "at", "export")
        return None
    if file.suffix not in {".pt", ".safetensors"}:
        raise ConfigError(f"`export`: must end in .pt or .safetensors; got {file}", "export")
    source = workflow.resolve(replace(options, baselines=())).candidates[0]
    try:
        cut_at(source, exit or 0)
    except Unsupported as exc:
        raise ConfigError(f"`export`: {exc}", "export") from exc
    if file.exists() and file.samefile(find(source.id.uri)):
        msg = f"`export`: must be another file than the checkpoint; got {file}"
        raise ConfigError(msg, "export")
    return source


def write(source: Checkpoint, result: EvalResult, file: Path, exit: int | None = None) -> str:
    """Write the network, cut at an exit or at the proven cut; return what was written, in words.

    Args:
        source: the network.
        result: of a compression of it.
        file: ``.pt`` or ``.safetensors``.
        exit: where it is cut; None takes the upper limit of the proven cut.
    """
    cut = cut_of(result)
    assert cut is not None
    at = cut.high if exit is None else exit
    export(source, at, file)
    why = _proven(cut) if exit is None else "as asked"
    size = file.stat().st_size / 1e6
    return f"{file}: {result.checkpoint.name} cut at exit {at}, {why}; {size:.2f} MB"


def _proven(cut: Cut) -> str:
    if cut.high < cut.depth:
        return "the proven cut"
    return "the whole network: no block is proven superfluous on these images"
