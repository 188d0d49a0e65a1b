"""What `acn-eval pruning` adds to a measuring command: a pruned network as a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from acn_eval.checkpoints import Checkpoint, find, rewritten, write_native
from acn_eval.errors import ConfigError
from acn_eval.models import Encoder
from acn_eval.studies.pruning.masks import zeros_in
from acn_eval.studies.pruning.run import network_of
from acn_eval.studies.pruning.suite import Pruning
from acn_eval.studies.read import read_suite
from acn_eval.study.request import Request
from acn_eval.terminal import job
from acn_eval.terminal.console import console
from acn_eval.tracking import Recorder

__all__ = ["run"]


@dataclass(frozen=True)
class _Wanted:
    """The network that is written: of which file, by which method, at which sparsity."""

    source: Checkpoint
    suite: Pruning
    method: str
    sparsity: float


def run(options: Mapping[str, Any], recorder: Recorder | None) -> None:
    """Measure, compare, keep, record and say it; then write a pruned network if asked to."""
    wanted = _wanted(options)
    job.run(options, recorder, kind="pruning")
    if wanted is not None:
        _export(options, wanted)


def _wanted(options: Mapping[str, Any]) -> _Wanted | None:
    """Return the network that is written, if any; refuse before anything is measured."""
    out, method, sparsity = (options[name] for name in ("export_to", "method", "sparsity"))
    if [out, method, sparsity] == [None, None, None]:
        return None
    if None in (out, method, sparsity):
        raise ConfigError("--export: must be given with --method and --sparsity, all three")
    if out.suffix not in {".pt", ".safetensors"}:
        raise ConfigError(f"--export: must end in .pt or .safetensors; got {out}")
    suite = cast(Pruning, read_suite(options["suite"], "pruning"))
    suite.chosen(method, sparsity)
    source = job.sides_of({**options, "no_baseline": True}).candidates[0]
    if out.exists() and out.samefile(find(source.id.uri)):
        raise ConfigError(f"--export: must be another file than the checkpoint; got {out}")
    return _Wanted(source, suite, method, sparsity)


def _export(options: Mapping[str, Any], wanted: _Wanted) -> None:
    """Make the network once more; what was trained for it is in the store."""
    source, out, runtime = wanted.source, options["export_to"], job.runtime_of(options)
    source.model.to(runtime.device)
    selection = job.selection_of(options)
    request = Request(wanted.suite, [source], selection, runtime, options["seed"])
    network = network_of(request, wanted.method, wanted.sparsity)
    dense = cast(Encoder, source.model)
    share = zeros_in(network, dense)
    what = "zero" if network.config == dense.config else "gone"
    how = f"{wanted.method} at {wanted.sparsity:g}, {share:.6f} of its prunable weights are {what}"
    assert source.native is not None
    write_native(out, rewritten(source.native, network, f"{source.id.sha256} pruned by {how}"))
    if options["json_file"] != "-" and not options["quiet"]:
        size = out.stat().st_size / 1e6
        console().print(f"{out}: {source.id.name} pruned by {how}; {size:.2f} MB")
