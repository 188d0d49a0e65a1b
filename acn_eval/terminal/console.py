"""The way to stdout and stderr: every text passes through it and is rendered."""

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from acn_eval import atomic
from acn_eval.foreign_text import plain, shown

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

__all__ = ["WIDE", "console", "say", "show_warnings", "write_json"]

WIDE = "acn_eval.wide"
"""Under this name the context of a command says whether it was given ``--wide``."""
_KEPT = "acn_eval.console"
_UNLIMITED = 10_000
_MARK = "  ! "


def console(*, stderr: bool = False) -> "Console":
    """Return a console, for stdout the one of the running command.

    It is as wide as the terminal, or as COLUMNS says. A file or a pipe, and ``--wide``, take
    everything: lines do not wrap, and no column is hidden.
    """
    context = None if stderr else click.get_current_context(silent=True)
    if context is None:
        return _made(stderr=stderr)
    kept: Console | None = context.meta.get(_KEPT)
    if kept is None:
        kept = context.meta[_KEPT] = _made(wide=context.meta.get(WIDE, False))
    return kept


def _made(*, stderr: bool = False, wide: bool = False) -> "Console":
    from rich.console import Console  # a help text does without

    class Plain(Console):  # names of files and classes may look like markup
        def render_str(self, text: str, **options: Any) -> "Text":
            return super().render_str(_rendered(text), **options)

    made = Plain(stderr=stderr, markup=False, emoji=False, highlight=False, record=not stderr)
    if wide or not (made.is_terminal or os.environ.get("COLUMNS")):
        made.width = _UNLIMITED
    return made


def show_warnings(out: "Console", lines: Iterable[str]) -> None:
    """Print each warning behind a mark; what does not fit into a line is indented."""
    from rich.text import Text

    for line in lines:
        parts = out.render_str(line).wrap(out, max(out.width - len(_MARK), 1))
        for part in parts:
            part.rstrip()
        out.print(Text(_MARK) + Text("\n" + " " * len(_MARK)).join(parts), style="yellow")


def say(line: str, *, err: bool = False) -> None:
    """Print one line."""
    click.echo(_rendered(line), err=err)


def write_json(file: str, document: Any) -> None:
    """Write a document to a file, or to stdout where the file is ``-``."""
    text = json.dumps(document, indent=1, default=str) + "\n"
    if file == "-":
        sys.stdout.write(text)
        sys.stdout.flush()  # what follows, such as recording, may take seconds
    else:
        atomic.write(Path(file), text)


def _rendered(text: str) -> str:
    return plain(shown(text))
