"""What `acn-eval compression` adds to a measuring command: easier tasks, the cut as a file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from acn_eval.checkpoints import export, load
from acn_eval.cli import job
from acn_eval.cli.words import console
from acn_eval.cli.words_compression import show_difficulty
from acn_eval.errors import ConfigError
from acn_eval.results import EvalResult
from acn_eval.statistics import cut_of
from acn_eval.suites import Compression, read_suite
from acn_eval.tracking import Recorder

__all__ = ["run"]


def run(options: Mapping[str, Any], recorder: Recorder | None) -> None:
    """Measure, compare, keep, record and say it; then export the cut where that is asked for."""
    _check(options)
    suite = read_suite(options["suite"])
    parts = suite.first_classes if isinstance(suite, Compression) else ()
    asked = _parts(options, parts) if parts else [options]
    done = [job.run(o, recorder, "tolerance", kind="compression") for o in asked]
    if parts and options["json_file"] != "-" and not options["quiet"]:
        show_difficulty(console(), [d.results for d in done])
    if options["export_to"] is not None:
        _export(options, done[-1].results[0])


def _check(options: Mapping[str, Any]) -> None:
    out = options["export_to"]
    if options["exit_at"] is not None and out is None:
        raise ConfigError("--at: needs --export FILE, the file that is written")
    if out is not None and out.suffix not in {".pt", ".safetensors"}:
        raise ConfigError(f"--export: must end in .pt or .safetensors; got {out}")


def _parts(options: Mapping[str, Any], counts: Sequence[int]) -> list[dict[str, Any]]:
    """Return the options once per task: its first classes, and a JSON file of its own."""
    if options["classes"]:
        raise ConfigError("--classes: the suite chooses the classes itself (first_classes)")
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
    if file is None or file == "-":
        return file
    path = Path(file)
    return str(path.with_name(f"{path.stem}-{count}{path.suffix}"))


def _export(options: Mapping[str, Any], result: EvalResult) -> None:
    out: Path = options["export_to"]
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
