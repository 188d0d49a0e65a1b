"""What a process may open: all that its user may, unless it works for others.

A checkpoint, which anyone may have written, names its data and its twin; a registered version
names where its files lie. So it is not enough to look at what a request names: every name is
looked at where it is opened.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, Protocol

__all__ = ["Kind", "Rule", "allowed", "confined"]

Kind = Literal["checkpoint", "data", "place"]
"""An address of a checkpoint; a name of data; a folder of this machine that a store names."""


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


@contextmanager
def confined(rule: Rule) -> Iterator[None]:
    """Let a rule hold for this process during the body."""
    _RULES.append(rule)
    try:
        yield
    finally:
        _RULES.remove(rule)
