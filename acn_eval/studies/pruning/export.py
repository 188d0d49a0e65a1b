"""Writes one of the pruned networks."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from acn_eval import workflow
from acn_eval.checkpoints import Checkpoint, find, rewritten, write_native
from acn_eval.errors import ConfigError
from acn_eval.models import Encoder
from acn_eval.run_options import RunOptions
from acn_eval.studies.pruning.masks import zeros_in
from acn_eval.studies.pruning.run import network_of
from acn_eval.studies.pruning.suite import Pruning
from acn_eval.study.request import Request

__all__ = ["Wanted", "wanted", "write"]


@dataclass(frozen=True)
class Wanted:
    """The network that is written: of which file, by which method, at which sparsity."""

    file: Path
    source: Checkpoint
    method: str
    sparsity: float


def wanted(
    options: RunOptions, file: Path | None, method: str | None, sparsity: float | None
) -> Wanted | None:
    """Return the network that is written, if any; refuse before anything is measured.

    Raises:
        ConfigError: a file that cannot hold it, or a network that the suite does not prune.
    """
    if file is None and method is None and sparsity is None:
        return None
    if file is None or method is None or sparsity is None:
        names = "export", "method", "sparsity"
        raise ConfigError(
            "`export`: must be given with `method` and `sparsity`, all three", *names
        )
    if file.suffix not in {".pt", ".safetensors"}:
        raise ConfigError(f"`export`: must end in .pt or .safetensors; got {file}", "export")
    _pruning(options).chosen(method, sparsity)
    source = workflow.resolve(replace(options, baselines=())).candidates[0]
    if file.exists() and file.samefile(find(source.id.uri)):
        msg = f"`export`: must be another file than the checkpoint; got {file}"
        raise ConfigError(msg, "export")
    return Wanted(file, source, method, sparsity)


def write(options: RunOptions, chosen: Wanted) -> str:
    """Make the network once more; what was trained for it is in the cache.

    Returns:
        What was written, in words.
    """
    source = chosen.source
    network = _network(options, chosen)
    dense = cast(Encoder, source.model)
    share = zeros_in(network, dense)
    what = "zero" if network.config == dense.config else "gone"
    method = f"{chosen.method} at {chosen.sparsity:g}"
    how = f"{method}, {share:.6f} of its prunable weights are {what}"
    assert source.native is not None
    native = rewritten(source.native, network, f"{source.id.sha256} pruned by {how}")
    write_native(chosen.file, native)
    size = chosen.file.stat().st_size / 1e6
    return f"{chosen.file}: {source.id.name} pruned by {how}; {size:.2f} MB"


def _network(options: RunOptions, chosen: Wanted) -> Encoder:
    source, selection = chosen.source, options.data
    runtime = workflow.runtime_of(options)
    source.model.to(runtime.device)
    request = Request(_pruning(options), [source], selection, runtime, options.seed or 0)
    return network_of(request, chosen.method, chosen.sparsity)


def _pruning(options: RunOptions) -> Pruning:
    return cast(Pruning, workflow.suite_of(options))
