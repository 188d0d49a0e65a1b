"""What `acn-eval compression` does beyond a measuring command: the cut network is written."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from acn_eval.checkpoints import export, load
from acn_eval.cli import job
from acn_eval.cli.words import console
from acn_eval.errors import ConfigError
from acn_eval.results import EvalResult
from acn_eval.statistics import cut_of
from acn_eval.tracking import Recorder

__all__ = ["run"]


def run(options: Mapping[str, Any], recorder: Recorder | None) -> None:
    """Measure, compare, keep, record and say it; then export the cut where that is asked for."""
    out = options["export_to"]
    if options["exit_at"] is not None and out is None:
        raise ConfigError("--at: needs --export FILE, the file that is written")
    if out is not None and out.suffix not in {".pt", ".safetensors"}:
        raise ConfigError(f"--export: must end in .pt or .safetensors; got {out}")
    done = job.run(options, recorder, "tolerance", kind="compression")
    if out is not None:
        _export(options, done.results[0], out)


def _export(options: Mapping[str, Any], result: EvalResult, out: Path) -> None:
    cut = cut_of(result)
    proven = cut.high if cut is not None else 0
    exit = proven if options["exit_at"] is None else options["exit_at"]
    export(load(result.checkpoint.uri, options["arch"]), exit, out)
    if options["json_file"] != "-":
        size = out.stat().st_size / 1e6
        what = "the proven cut" if options["exit_at"] is None else "as asked"
        console().print(
            f"{out}: {result.checkpoint.name} cut at exit {exit}, {what}; {size:.2f} MB"
        )
