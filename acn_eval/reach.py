"""What a process may open: all that its user may, unless it works for others.

A checkpoint, which anyone may have written, names its data and its twin; a registered version
names where its files lie. So it is not enough to look at what a request names: every name is
looked at where it is opened.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, Protocol

__all__ = ["Kind", "Rule", "allowed", "confined", "followed", "require_inside", "rules"]

Kind = Literal["checkpoint", "data", "place"]
"""An address of a checkpoint; a name of data; a place that a store names, or a link leads to."""


class Rule(Protocol):
    """Says what may be opened."""

    def __call__(self, kind: Kind, name: str, /) -> str:
        """Return the name to open; raise an `AcnEvalError` where it may not be opened."""


_RULES: list[Rule] = []  # of the process and not of a thread, so that no thread escapes


def allowed(kind: Kind, name: str) -> str:
    """Return the name to open instead of a name: itself, where no rule holds."""
    for rule in _RULES:
        name = rule(kind, name)
    return name


def followed(path: Path) -> Path:
    """Return what lies in a folder that may be opened, unless it is a link that leads elsewhere.

    Raises:
        AcnEvalError: a rule holds, and the link leads where nothing may be opened.
    """
    if os.path.islink(path):
        allowed("place", str(path))
    return path


def require_inside(folder: Path) -> None:
    """Refuse a folder with a link, at any depth, that leads where nothing may be opened.

    Raises:
        AcnEvalError: a rule holds, and there is one.
        OSError: the folder cannot be read.
    """
    seen, folders = set(), [str(folder)] if _RULES and os.path.isdir(folder) else []
    while folders:
        here = folders.pop()
        if (real := os.path.realpath(here)) in seen:
            continue
        seen.add(real)
        with os.scandir(here) as entries:
            for entry in entries:
                if entry.is_symlink():
                    allowed("place", entry.path)
                if entry.is_dir():
                    folders.append(entry.path)


def rules() -> tuple[Rule, ...]:
    """Return the rules that hold, for a process that works for this one."""
    return tuple(_RULES)


@contextmanager
def confined(rule: Rule) -> Iterator[None]:
    """Let a rule hold for this process during the body."""
    _RULES.append(rule)
    try:
        yield
    finally:
        _RULES.remove(rule)
