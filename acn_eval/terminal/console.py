"""The way to stdout and stderr: every text passes through it and is rendered."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from acn_eval import atomic
from acn_eval.addresses import shown
from acn_eval.foreign_text import plain

__all__ = ["console", "open_streams", "say", "write_json"]


class _Console(Console):
    """Prints strings as they are: names of files and classes may look like markup."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Return the text that a terminal may show."""
        options |= {"markup": False, "emoji": False}
        return super().render_str(_rendered(text), **options)


def console(*, stderr: bool = False) -> Console:
    """Return a console; output that is not a terminal is plain and wide enough for the tables."""
    made = _Console(stderr=stderr, highlight=False, soft_wrap=False)
    return made if made.is_terminal else _Console(stderr=stderr, highlight=False, width=118)


def say(line: str, *, err: bool = False) -> None:
    """Print one line."""
    click.echo(_rendered(line), err=err)


def write_json(file: str, document: Any) -> None:
    """Write a document to a file, or to stdout where the file is ``-``."""
    text = json.dumps(document, indent=1, default=str) + "\n"
    if file == "-":
        sys.stdout.write(text)
    else:
        atomic.write(Path(file), text)


def open_streams() -> None:
    """Let streams write what their encoding does not know as its escape, as in the locale C."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _rendered(text: str) -> str:
    return plain(shown(text))
