"""`acn-eval gate`: may this checkpoint replace its baseline?"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from acn_eval.cli.failures import explained
from acn_eval.errors import AcnEvalError
from acn_eval.run_options import RunOptions
from acn_eval.terminal.options import (
    FILE,
    FOLDER,
    Titled,
    arch_option,
    baseline_arch_option,
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
  acn-eval gate --ckpt new.pt \\
      --baseline models:/vit@champion \\
      --register vit --promote champion
  acn-eval gate --result new/DIR --against old/DIR
      stored results: no inference, no torch

Exit codes: 0 is PASS; 1 a regression; 3 NO VERDICT, because there are too few examples or a
condition was not measured; 2 wrong usage or bad input; 4 what could not be measured or
recorded, or a bug.

The gate states seed and limit: with another --seed or --limit there is no PASS."""


@dataclass(frozen=True)
class _Asked:
    """The options of a gate beside those of a run, under their names."""

    gate: str
    result: Path | None
    against: Path | None
    sequential: bool
    on_no_verdict: str | None
    register: str | None
    promote: str | None
    anchor: str | None


@click.command(cls=Titled, epilog=_EPILOG)
@click.option("--ckpt", metavar="FILE", help="Candidate.")
@click.option(
    "--baseline",
    metavar="FILE|URI",
    help="Checkpoint to replace: a file, models:/NAME@ALIAS, models:/NAME/3 or runs:/ID.",
)
@arch_option
@baseline_arch_option
@click.option("--result", type=FOLDER, help="Stored result of the candidate, instead of --ckpt.")
@click.option("--against", type=FOLDER, help="Stored result of the baseline.")
@click.option(
    "--suite",
    "gate",
    default="gate",
    metavar="YAML",
    help="Margins and floors: a YAML of `kind: gate`.",
)
@click.option(
    "--sequential",
    is_flag=True,
    help="Judge after every 256 examples, and stop as soon as there is a verdict.",
)
@click.option(
    "--on-no-verdict",
    type=click.Choice(["pass", "fail"]),
    help="Exit with 0 or 1 instead of 3 where there is no verdict.",
)
@click.option("--junit", type=FILE, help="Write JUnit XML with one test case per rule.")
@click.option("--markdown", type=FILE, help="Write the table as Markdown.")
@click.option("--register", metavar="NAME", help="Create or find a version of a registered model.")
@click.option("--promote", metavar="ALIAS", help="Move this alias to that version on PASS.")
@click.option(
    "--anchor",
    metavar="FILE|URI",
    help="Checkpoint against which a promotion must pass, too; the model remembers it.",
)
@data_options
@gate_place_options
@output_options
def command(**given: Any) -> int:
    """Judge a checkpoint against its baseline by the margins of a gate.

    Both see the same noise on the same examples. PASS means that the primary endpoint and clean
    accuracy are significantly within their margins, FAIL that some rule is significantly
    violated. Otherwise there is NO VERDICT, with the number of examples that would give one;
    `acn-eval plan` estimates it beforehand.
    """
    from acn_eval.terminal.gate_words import GateOutput

    asked, output = picked(_Asked, **given), picked(GateOutput, **given)
    options = run_options(suite=asked.gate, **given)
    _require_one_way(asked, options)
    if asked.result and asked.against:
        return _said(asked, output, _stored(asked, asked.result, asked.against))
    with recording(options, output.json_file, output.junit, output.markdown) as recorder:
        from acn_eval import workflow  # imports torch and MLflow
        from acn_eval.terminal.progress import bar

        with bar("evaluating", "examples") as progress:
            decided = workflow.decide(
                asked.gate,
                options,
                workflow.Promotion(asked.register, asked.promote, asked.anchor),
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
    """Print the verdict; a failure to record or write weighs more, but for a regression."""
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
        raise click.UsageError("give --ckpt with --baseline, or --result with --against")
    first = next((name for name in ("register", "promote", "anchor") if getattr(asked, name)), "")
    if first and not (options.track and options.candidates):
        raise click.UsageError(f"--{first} needs --ckpt and a store to record in")
    if asked.promote and asked.sequential:
        raise click.UsageError("--promote judges all examples; leave out --sequential")
    if asked.promote and not asked.register:
        raise click.UsageError("--promote needs --register NAME, the model whose alias it moves")


def _stored(asked: _Asked, result: Path, against: Path) -> "Verdict":
    from acn_eval.gate import decide, read_gate, replay
    from acn_eval.results import EvalResult

    judge = replay if asked.sequential else decide
    return judge(read_gate(asked.gate), EvalResult.load(result), EvalResult.load(against))
