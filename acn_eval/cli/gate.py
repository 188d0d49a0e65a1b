"""`acn-eval gate`: may this checkpoint replace its baseline?"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from acn_eval.cli.failures import explained
from acn_eval.errors import AcnEvalError
from acn_eval.terminal.options import data_options, gate_place_options, output_options
from acn_eval.terminal.recording import recording

if TYPE_CHECKING:
    from acn_eval.gate import Verdict

__all__ = ["command"]

_EPILOG = """\b
Examples:
  acn-eval gate --ckpt new.pt --baseline res_vit.pt
  acn-eval gate --ckpt new.pt --baseline models:/vit@champion \\
      --register vit --promote champion
  acn-eval gate --result new/DIR --against old/DIR --junit gate.xml
      on results that are stored: no inference, no torch

\b
Exit codes: 0 pass; 1 regression; 3 no verdict (too few images, or something was not measured);
2 usage or bad input; 4 could not measure or record, or a bug.

\b
Seed and limit are the gate's: with another --seed or --limit there is no PASS."""
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(epilog=_EPILOG, context_settings={"max_content_width": 100})
@click.option("--ckpt", metavar="FILE", help="The candidate.")
@click.option(
    "--baseline",
    metavar="FILE|URI",
    help="What it may replace: a checkpoint, models:/NAME@ALIAS, models:/NAME/3 or runs:/ID.",
)
@click.option("--arch", help="official/ac-mixer or official/res-mixer, for the authors' files.")
@click.option("--baseline-arch", help="The same, for --baseline.")
@click.option("--result", type=_FOLDER, help="Stored result of the candidate, instead of --ckpt.")
@click.option("--against", type=_FOLDER, help="Stored result of the baseline.")
@click.option(
    "--suite",
    "gate",
    default="gate",
    show_default=True,
    metavar="YAML",
    help="Margins and floors: a YAML of `kind: gate`.",
)
@click.option("--sequential", is_flag=True, help="Look after every 256 images; stop when decided.")
@click.option(
    "--on-no-verdict",
    type=click.Choice(["pass", "fail"]),
    help="Exit with 0 or 1 instead of 3 where there is no verdict.",
)
@click.option("--junit", type=_FILE, help="Write JUnit XML: one test case per rule.")
@click.option("--markdown", type=_FILE, help="Write the table as Markdown.")
@click.option("--register", metavar="NAME", help="Make or find a version of a registered model.")
@click.option("--promote", metavar="ALIAS", help="Move this alias of it on PASS.")
@click.option(
    "--anchor",
    metavar="FILE|URI",
    help="What a promotion must not fall behind either; once, then a tag of the model.",
)
@data_options
@gate_place_options
@output_options
def command(**options: Any) -> int:
    """Judge a checkpoint against its baseline by the margins of a gate.

    Both see the same noise on the same images. PASS: the primary end point and clean accuracy
    are surely within their margins. FAIL: some rule is surely violated. Otherwise there is NO
    VERDICT, with the number of images that would give one; `acn-eval plan` says so beforehand.
    """
    _require_one_way(options)
    if options["result"]:
        return _said(options, _stored(options))
    from acn_eval.cli.gate_job import run  # torch and MLflow are imported below this line only

    with recording(options, "json_file", "junit", "markdown") as recorder:
        gated = run(options, recorder)
    return _said(options, gated.verdict, gated.lines, gated.failure)


def _said(
    options: dict[str, Any],
    verdict: "Verdict",
    lines: tuple[str, ...] = (),
    failure: AcnEvalError | OSError | None = None,
) -> int:
    """Say the verdict; what could not be recorded or written weighs more, but for a regression."""
    from acn_eval.cli.gate_words import say_verdict

    try:
        say_verdict(options, verdict, lines)
        if failure is not None:
            raise failure
    except (AcnEvalError, OSError, SystemExit) as exc:
        if verdict.verdict != "fail":
            raise
        explained(exc)
    if verdict.verdict == "no_verdict" and options["on_no_verdict"]:
        return 0 if options["on_no_verdict"] == "pass" else 1
    return verdict.exit_code


def _require_one_way(options: dict[str, Any]) -> None:
    ways = (("ckpt", "baseline"), ("result", "against"))
    given = [way for way in ways if any(options[name] for name in way)]
    if len(given) != 1 or not all(options[name] for name in given[0]):
        msg = "give --ckpt with --baseline, or --result with --against"
        raise click.UsageError(msg)
    registry = [f"--{name}" for name in ("register", "promote", "anchor") if options[name]]
    if registry and (options["no_track"] or not options["ckpt"]):
        raise click.UsageError(f"{registry[0]} needs --ckpt and a store to record in")
    if options["promote"] and options["sequential"]:
        raise click.UsageError("--promote judges all images; leave out --sequential")
    if options["promote"] and not options["register"]:
        raise click.UsageError("--promote needs --register NAME, the model whose alias it moves")


def _stored(options: dict[str, Any]) -> "Verdict":
    from acn_eval.gate import decide, read_gate, replay
    from acn_eval.results import EvalResult

    judge = replay if options["sequential"] else decide
    sides = (EvalResult.load(options[side]) for side in ("result", "against"))
    return judge(read_gate(options["gate"]), *sides)
