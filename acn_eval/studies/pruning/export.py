"""Writes one of the pruned networks."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from acn_eval import workflow
from acn_eval.checkpoints import Checkpoint, rewritten, write_native
from acn_eval.errors import ConfigError
from acn_eval.models import Encoder
from acn_eval.run_options import RunOptions
from acn_eval.studies.pruning.masks import zeros_in
from acn_eval.studies.pruning.run import network_of
from acn_eval.studies.pruning.suite import Pruning
from acn_eval.study.request import Request
from acn_eval.workflow.sides import source_of

__all__ = ["Export", "export_of", "write"]


@dataclass(frozen=True)
class Export:
    """The network that is written: to which file, by which method, at which sparsity."""

    file: Path
    source: Checkpoint
    method: str
    sparsity: float


def export_of(
    options: RunOptions, file: Path | None, method: str | None, sparsity: float | None
) -> Export | None:
    """Return the network that is written, if any; refuse before anything is measured.

    Raises:
        ConfigError: a file that cannot hold it, or a network that the suite does not prune.
    """
    if file is None and method is None and sparsity is None:
        return None
    if file is None or method is None or sparsity is None:
        msg = "`export`: must be given with `method` and `sparsity`, all three"
        raise ConfigError(msg, "export", "method", "sparsity")
    _pruning(options).chosen(method, sparsity)
    return Export(file, source_of(options, file), method, sparsity)


def write(options: RunOptions, chosen: Export) -> str:
    """Make the network once more, with the trainings of the cache; return what was written."""
    source, runtime = chosen.source, workflow.runtime_of(options)
    source.model.to(runtime.device)
    request = Request(_pruning(options), [source], options.data, runtime, options.seed or 0)
    network = network_of(request, chosen.method, chosen.sparsity)
    dense = cast(Encoder, source.model)
    what = "zero" if network.config == dense.config else "gone"
    share = f"{zeros_in(network, dense):.6f} of its prunable weights are {what}"
    how = f"{chosen.method} at {chosen.sparsity:g}, {share}"
    assert source.native is not None
    native = rewritten(source.native, network, f"{source.id.sha256} pruned by {how}")
    write_native(chosen.file, native)
    size = chosen.file.stat().st_size / 1e6
    return f"{chosen.file}: {source.id.name} pruned by {how}; {size:.2f} MB"


def _pruning(options: RunOptions) -> Pruning:
    return cast(Pruning, workflow.suite_of(options))
