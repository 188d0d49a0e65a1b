"""What `acn-eval compression` adds to a measuring command: easier tasks, the cut as a file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from acn_eval.checkpoints import Checkpoint, cut_at, export, find
from acn_eval.errors import ConfigError, Unsupported
from acn_eval.results import EvalResult
from acn_eval.studies.compression.depth import Cut, cut_of
from acn_eval.studies.compression.suite import Compression
from acn_eval.studies.compression.tables import show_difficulty
from acn_eval.studies.read import read_suite
from acn_eval.terminal import job
from acn_eval.terminal.console import console
from acn_eval.tracking import Recorder

__all__ = ["run"]


def run(options: Mapping[str, Any], recorder: Recorder | None) -> None:
    """Measure, compare, keep, record and say it; then export the cut where that is asked for."""
    source = _source(options)
    suite = cast(Compression, read_suite(options["suite"], "compression"))
    parts = suite.first_classes
    asked = _parts(options, parts) if parts else [options]
    done = []
    for number, own in enumerate(asked):
        if parts:
            console().print(f"first {parts[number]} classes", style="bold")
        done.append(job.run(own, recorder, "tolerance", kind="compression"))
    if parts and not options["quiet"]:
        show_difficulty(console(), [d.results for d in done])
    if source is not None:
        _export(options, source, done[-1].results[0])


def _source(options: Mapping[str, Any]) -> Checkpoint | None:
    """Return the network that is exported, if any; refuse before anything is measured."""
    out = options["export_to"]
    if out is None:
        if options["exit_at"] is not None:
            raise ConfigError("--at: needs --export FILE, the file that is written")
        return None
    if out.suffix not in {".pt", ".safetensors"}:
        raise ConfigError(f"--export: must end in .pt or .safetensors; got {out}")
    source = job.sides_of({**options, "no_baseline": True}).candidates[0]
    try:
        cut_at(source, options["exit_at"] or 0)
    except Unsupported as exc:
        raise ConfigError(f"--export: {exc}") from exc
    if out.exists() and out.samefile(find(source.id.uri)):
        raise ConfigError(f"--export: must be another file than the checkpoint; got {out}")
    return source


def _parts(options: Mapping[str, Any], counts: Sequence[int]) -> list[dict[str, Any]]:
    """Return the options once per task: its first classes, and a JSON file of its own."""
    if options["classes"]:
        raise ConfigError("--classes: the suite chooses the classes itself (first_classes)")
    if options["json_file"] == "-":
        raise ConfigError("--json: must be a file, which is written once per task; got -")
    data = options["data"] or job.sides_of(options).candidates[0].data
    return [
        {
            **options,
            "data": data,
            "classes": f"0-{count - 1}",
            "restrict": True,
            "json_file": _numbered(options["json_file"], count),
        }
        for count in counts
    ]


def _numbered(file: str | None, count: int) -> str | None:
    """``out.json`` of the first 5 classes is ``out-5.json``."""
    if file is None:
        return None
    path = Path(file)
    return str(path.with_name(f"{path.stem}-{count}{path.suffix}"))


def _export(options: Mapping[str, Any], source: Checkpoint, result: EvalResult) -> None:
    out, asked, cut = options["export_to"], options["exit_at"], cut_of(result)
    assert cut is not None
    exit = cut.high if asked is None else asked
    export(source, exit, out)
    if options["json_file"] != "-" and not options["quiet"]:
        size = out.stat().st_size / 1e6
        why = _proven(cut) if asked is None else "as asked"
        console().print(
            f"{out}: {result.checkpoint.name} cut at exit {exit}, {why}; {size:.2f} MB"
        )


def _proven(cut: Cut) -> str:
    if cut.high < cut.depth:
        return "the proven cut"
    return "the whole network: no block is proven superfluous on these images"
