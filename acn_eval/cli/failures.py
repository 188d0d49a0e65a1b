"""Prints errors on stderr, and maps them to exit codes."""

import io
import traceback
from contextlib import suppress
from errno import ENAMETOOLONG

import click

from acn_eval.errors import AcnEvalError
from acn_eval.terminal.console import say

__all__ = ["explained"]

_KEPT = "only finished work is saved. The same command resumes from there."


def explained(exc: BaseException) -> int:
    """Print an exception on stderr, and return its exit code, which is never 1."""
    code = 4
    match exc:
        case SystemExit(code=0):  # click has printed what completes a word
            code = 0
        case BrokenPipeError() | SystemExit():  # click and rich leave a broken pipe with 1
            pass
        case KeyboardInterrupt() | click.Abort():
            said = str(exc) or str(exc.__cause__ or "")  # click makes an Abort of it
            code = _say(f"stopped: {said or _KEPT}", 130)
        case AcnEvalError():
            code = _say(exc.in_options, exc.exit_code)
        case click.UsageError():
            usage = io.StringIO()
            exc.show(usage)
            _say_lines(usage.getvalue().expandtabs(4))  # click indents choices by tabs
            code = 2
        case click.ClickException():
            code = _say(exc.format_message(), 2)
        case OSError() if exc.strerror:
            code = 2 if exc.errno == ENAMETOOLONG else code
            code = _say(f"{exc.filename or 'the disk'}: {exc.strerror}", code)
        case _:
            _say_lines("".join(traceback.format_exception(exc)))
            _say("this is a bug in acn-eval; please report it with the lines above.", code)
    return code


def _say(message: str, code: int) -> int:
    _say_lines(f"acn-eval: {' '.join(message.split())}")
    return code


def _say_lines(text: str) -> None:
    with suppress(OSError):  # a full disk may hold stderr, too
        for line in text.splitlines():
            say(line, err=True)
