"""The entry point: a lazy group of commands, and the one place where errors become exit codes."""

import io
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version

import click

from acn_eval.cli.terminal import open_streams, say
from acn_eval.errors import AcnEvalError

__all__ = ["cli", "main"]

_COMMANDS = {
    "robustness": "Accuracy under noise, paired with a baseline: is it more robust?",
    "gate": "May this checkpoint replace its baseline? Pass, fail, or no verdict.",
    "plan": "What a gate or suite costs, and what it could see, before it runs.",
    "compression": "Accuracy of every exit: how many layers does it need, and at what cost?",
    "pruning": "Accuracy over the share of weights removed: which network bears sparsity better?",
    "transfer": "Probes of every depth on other data: is the representation worth more?",
    "low-data": "Trainings on few images: who learns more from little data?",
    "dynamics": "Exits and gradients while networks are trained: layer by layer, by itself?",
    "continual": "Tasks learned in turn: how much does it forget, and does a remedy help?",
    "compare": "Stored results against each other: a verdict, or a ranking with ties.",
    "report": "One page with everything a comparison says: charts, tables, pictures.",
    "train": "Train a recipe: exact, resumable, never touching test.",
    "upload": "Record results that are on disk in MLflow; twice changes nothing.",
    "ui": "Browse the recorded runs in the MLflow UI.",
    "schema": "Print the JSON Schema of a suite's YAML, for editors.",
    "cache": "Show or prune the store of finished outcomes.",
}
_EPILOG = """\b
Examples:
  acn-eval robustness --ckpt ac_vit.pt
  acn-eval robustness --ckpt mine.pt --baseline theirs.pt --data cifar10
  acn-eval ui

\b
Exit codes: 0 fine; 1 regression and 3 no verdict (gate only); 2 usage or bad input;
4 could not measure or record, or a bug; 130 stopped by Ctrl-C."""


class _LazyGroup(click.Group):
    """Knows its commands by name and imports the one that runs: help needs neither torch."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"acn_eval.cli.{name.replace('-', '_')}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


def _print_version(ctx: click.Context, option: click.Parameter, wanted: bool) -> None:
    if wanted:
        say(f"acn-eval {version('acn-eval')}")
        ctx.exit()


@click.group(cls=_LazyGroup, epilog=_EPILOG, context_settings={"max_content_width": 100})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version
)
def cli() -> None:
    """Is a network that was trained differently really better?

    acn-eval puts checkpoints through a suite of questions, pairs them image by image with a
    baseline, and says what the data support: intervals, tests, and ties shown as ties.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with a documented code; the only broad catch is here."""
    sys.exit(_run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    open_streams()
    try:
        code = cli.main(args=arguments, prog_name="acn-eval", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except (BrokenPipeError, SystemExit):  # click and rich leave a broken pipe with 1
        return _unheard()
    except click.exceptions.Exit as exc:
        return exc.exit_code
    except (KeyboardInterrupt, click.Abort):
        return _say("stopped. What is done is kept; the same command goes on from there.", 130)
    except Exception as exc:  # noqa: BLE001  (once, at the top: nothing may exit with 1)
        return _explained(exc)


def _explained(exc: Exception) -> int:
    code = 4
    match exc:
        case AcnEvalError():
            code = _say(str(exc), exc.exit_code)
        case click.UsageError():
            said = io.StringIO()
            exc.show(said)
            _say_lines(said.getvalue())
            code = 2
        case click.ClickException():
            code = _say(exc.format_message(), 2)
        case OSError() if exc.strerror:
            code = _say(f"{exc.filename or 'the disk'}: {exc.strerror}", code)
        case _:
            _say_lines("".join(traceback.format_exception(exc)))
            _say("this is a bug in acn-eval; please report it with the lines above.", code)
    return code


def _say_lines(text: str) -> None:
    for line in text.splitlines():
        say(line, err=True)


def _unheard() -> int:
    """Nobody reads what is left to print; Python would complain about it at its exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)
    return 4


def _say(message: str, code: int) -> int:
    say(f"acn-eval: {' '.join(message.split())}", err=True)
    return code
