"""`acn-eval gate`: may this checkpoint replace its baseline?"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from acn_eval.cli.failures import explained
from acn_eval.errors import AcnEvalError
from acn_eval.run_options import RunOptions
from acn_eval.terminal.options import (
    data_options,
    gate_place_options,
    output_options,
    picked,
    run_options,
)
from acn_eval.terminal.recording import recording

if TYPE_CHECKING:
    from acn_eval.gate import Verdict
    from acn_eval.terminal.gate_words import GateOutput

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


@dataclass(frozen=True)
class _Asked:
    """What a gate is asked for beside a run; the names are those of the options."""

    gate: str
    result: Path | None
    against: Path | None
    sequential: bool
    on_no_verdict: str | None
    register: str | None
    promote: str | None
    anchor: str | None


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
def command(**given: Any) -> int:
    """Judge a checkpoint against its baseline by the margins of a gate.

    Both see the same noise on the same images. PASS: the primary end point and clean accuracy
    are surely within their margins. FAIL: some rule is surely violated. Otherwise there is NO
    VERDICT, with the number of images that would give one; `acn-eval plan` says so beforehand.
    """
    from acn_eval.terminal.gate_words import GateOutput

    asked, output = picked(_Asked, **given), picked(GateOutput, **given)
    options = run_options(suite=asked.gate, **given)
    _require_one_way(asked, options)
    if asked.result and asked.against:
        return _said(asked, output, _stored(asked, asked.result, asked.against))
    files = (output.junit, output.markdown)
    with recording(options, output.json_file, *files) as recorder:
        from acn_eval import workflow  # imports torch and MLflow
        from acn_eval.terminal.progress import bar

        promotion = workflow.Promotion(asked.register, asked.promote, asked.anchor)
        with bar("evaluating", "images") as progress:
            decided = workflow.decide(
                asked.gate,
                options,
                promotion,
                sequential=asked.sequential,
                recorder=recorder,
                progress=progress,
            )
    return _said(asked, output, decided.verdict, decided.lines, decided.failure)


def _said(
    asked: _Asked,
    output: "GateOutput",
    verdict: "Verdict",
    lines: tuple[str, ...] = (),
    failure: AcnEvalError | OSError | None = None,
) -> int:
    """Say the verdict; what could not be recorded or written weighs more, but for a regression."""
    from acn_eval.terminal.gate_words import say_verdict

    try:
        say_verdict(output, verdict, lines)
        if failure is not None:
            raise failure
    except (AcnEvalError, OSError, SystemExit) as exc:
        if verdict.verdict != "fail":
            raise
        explained(exc)
    if verdict.verdict == "no_verdict" and asked.on_no_verdict:
        return 0 if asked.on_no_verdict == "pass" else 1
    return verdict.exit_code


def _require_one_way(asked: _Asked, options: RunOptions) -> None:
    ways = [(options.candidates, options.baselines), (asked.result, asked.against)]
    given = [way for way in ways if any(way)]
    if len(given) != 1 or not all(given[0]):
        msg = "give --ckpt with --baseline, or --result with --against"
        raise click.UsageError(msg)
    registry = {"register": asked.register, "promote": asked.promote, "anchor": asked.anchor}
    first = next((name for name, value in registry.items() if value), None)
    if first and not (options.track and options.candidates):
        raise click.UsageError(f"--{first} needs --ckpt and a store to record in")
    if asked.promote and asked.sequential:
        raise click.UsageError("--promote judges all images; leave out --sequential")
    if asked.promote and not asked.register:
        raise click.UsageError("--promote needs --register NAME, the model whose alias it moves")


def _stored(asked: _Asked, result: Path, against: Path) -> "Verdict":
    from acn_eval.gate import decide, read_gate, replay
    from acn_eval.results import EvalResult

    judge = replay if asked.sequential else decide
    return judge(read_gate(asked.gate), EvalResult.load(result), EvalResult.load(against))
