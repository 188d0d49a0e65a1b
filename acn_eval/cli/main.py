"""The entry point: a lazy group of commands, and the one place where errors become exit codes."""

import errno
import io
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TextIO

import click

from acn_eval.allocation import keep_freed_memory
from acn_eval.cli.failures import explained
from acn_eval.errors import suggestion
from acn_eval.studies.table import STUDIES, studies, study

__all__ = ["cli", "main"]

_STOPPED = 130

_COMMANDS = {
    "gate": "Decide whether a checkpoint may replace its baseline: PASS, FAIL or NO VERDICT.",
    "plan": "Estimate the cost and the statistical power of a gate or a suite.",
    "compare": "Compare stored results: a verdict on two, or a ranking of several.",
    "report": "Write one page about a comparison: charts, tables, examples.",
    "inspect": "Say what a checkpoint or a file of weights is, and what it lacks.",
    "init": "Write recipes and a suite that fit data of your own.",
    "train": "Train a network by a recipe; a run that was stopped resumes exactly.",
    "convert": "Turn a network that you trust into tensors with a card, which anyone can load.",
    "reproduce": "Reproduce a table of the paper: train its networks, and compare them.",
    "upload": "Record stored results in MLflow.",
    "serve": "Evaluate new versions in the model registry by themselves, and answer over HTTP.",
    "submit": "Give a job to a running service.",
    "jobs": "List, show, cancel or retry the jobs of a service.",
    "watch": "Follow the jobs of a service.",
    "token": "Make, list and revoke the tokens of a service.",
    "worker": "Do the jobs of a service, here or on another machine.",
    "ui": "Browse the recorded runs in the MLflow UI.",
    "list": "List suites, tables, data, corruptions, checkpoints, metrics or studies.",
    "schema": "Print the JSON Schema of a suite's YAML, for editors.",
    "cache": "Show or prune the cache of finished outcomes.",
}
_EPILOG = """\b
Examples:
  acn-eval robustness --ckpt ac_vit.pt
  acn-eval robustness --ckpt mine.pt --baseline theirs.pt
  acn-eval ui

Exit codes: 0 is success; 1 a regression and 3 no verdict (gate only); 2 wrong usage or bad
input; 4 what could not be measured or recorded, or a bug; 130 stopped by Ctrl-C."""


def _helps() -> dict[str, str]:
    own = {kind.replace("_", "-"): entry.help for kind, entry in studies().items()}
    return {**own, **_COMMANDS}


class _LazyGroup(click.Group):
    """Knows its commands by name, and imports the one that runs: help needs no torch."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*_helps()]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in _COMMANDS:
            command: click.Command = import_module(f"acn_eval.cli.{name}").command
            return command
        kind = name.replace("-", "_")
        return study(kind).command if kind in STUDIES or kind in studies() else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as exc:
            hint = suggestion(args[0], self.list_commands(ctx))
            raise click.UsageError(exc.message + hint, exc.ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_helps().items()))


@click.group(
    cls=_LazyGroup,
    epilog=_EPILOG,
    context_settings={
        "max_content_width": 100,
        "help_option_names": ["-h", "--help"],
        "show_default": True,
    },
)
@click.version_option(package_name="acn-eval", message="%(package)s %(version)s")
def cli() -> None:
    """Is a network that was trained differently really better?

    acn-eval measures checkpoints on a suite of questions, pairs them with a baseline example by
    example, and states what the data support: intervals, tests, and where neither can decide.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with a documented code; the only broad catch is here.

    Without arguments, the process is a command's: its memory is kept between forward passes.
    """
    if arguments is None:
        keep_freed_memory()
    code = _run(arguments)
    if arguments is None and code == _STOPPED:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would change the code
    for stream in (sys.__stdout__, sys.__stderr__):
        _settle(stream)
    sys.exit(code)


def _run(arguments: Sequence[str] | None) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # the locale C cannot encode all that is printed
            stream.reconfigure(errors="backslashreplace")
    code = 0
    try:
        returned = cli.main(args=arguments, prog_name="acn-eval", standalone_mode=False)
        code = returned if isinstance(returned, int) else 0
        _require_heard()
    except (Exception, KeyboardInterrupt, SystemExit) as exc:  # noqa: BLE001  (the one place)
        failed = explained(exc)
        return code if code == 1 else failed  # a regression, which weighs more than its output
    return code


def _require_heard() -> None:
    """Write what is left to print while a failure can still be reported."""
    if sys.stdout is None:  # started with a closed one, `>&-`
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), "stdout")
    sys.stdout.flush()


def _settle(stream: TextIO | None) -> None:
    """Drop output without a reader, for which Python would exit with 120."""
    if stream is None:
        return
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
