"""Every exception of acn-eval, each with the exit code that the command line gives it.

AcnEvalError
├─ ConfigError       2   a YAML file, an option or a field is wrong
├─ CheckpointError   2   not found, not readable, not trusted, or of another shape
├─ DataError         2   unknown name, not there, or outside the model's classes
├─ MissingExtra      2   an optional dependency is needed; names the pip extra
├─ TrackingError     4   measured, but MLflow could not be written
├─ MeasureError      4   could not be measured
│  └─ StoreError     4   outcomes cannot be kept or looked up: full, away, or not allowed
└─ Unsupported       4   this model cannot answer this question: becomes a Skip inside a run

Messages read `<where>: <what> must be <expected>; got <value>. <remedy>`, on one line, without
passwords and control characters, and shortened. Arguments are in backticks; the command line and
the service show the option of that name. Any other exception is a bug and keeps its traceback.
"""

import difflib
import struct
from collections.abc import Iterable
from typing import ClassVar

from acn_eval.foreign_text import plain, shown

__all__ = [
    "DAMAGED",
    "AcnEvalError",
    "CheckpointError",
    "ConfigError",
    "DataError",
    "MeasureError",
    "MissingExtra",
    "Stopped",
    "StoreError",
    "TrackingError",
    "Unsupported",
    "suggestion",
]

DAMAGED: tuple[type[Exception], ...] = (
    *(ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError),
    *(OSError, RuntimeError, SyntaxError, TypeError, ValueError, struct.error),
)
"""What readers in Python raise on a damaged or hostile file; a library may add its own."""
_LONGEST = 2000
_OPTIONS = {
    "baselines": "baseline",
    "candidates": "ckpt",
    "class_names": "class-map",
    "restricted": "restrict",
    "root": "data-root",
}


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return the end of a message about a misspelt name; empty where no known name is near.

    >>> suggestion("robustnes", ["pruning", "robustness"])
    ' Did you mean robustness?'
    """
    near = difflib.get_close_matches(name[:_LONGEST], [*known], n=1)
    return f" Did you mean {near[0]}?" if near else ""


class AcnEvalError(Exception):
    """An error that the user can act on: one line on stderr, no traceback.

    Args:
        message: one line.
        arguments: names of the arguments that the message names in backticks.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, message: str = "", *arguments: str) -> None:
        line = " ".join(line.strip() for line in message.splitlines())
        super().__init__(plain(shown(line), _LONGEST))
        self.arguments = arguments

    @property
    def in_options(self) -> str:
        """The message, with options of the command line for the arguments that it names."""
        said = str(self)
        for name in self.arguments:
            option = _OPTIONS.get(name, name.replace("_", "-"))
            said = said.replace(f"`{name}`", f"--{option}")
        return said


class ConfigError(AcnEvalError):
    """A YAML file, an option or a field is wrong."""


class CheckpointError(AcnEvalError):
    """A checkpoint is not found, not readable, not trusted, or of another shape."""


class DataError(AcnEvalError):
    """Data is unknown, not there, damaged, or outside the model's classes."""


class MissingExtra(AcnEvalError):
    """An optional dependency is not installed.

    Args:
        what: what needed it, e.g. ``"timm:vit_tiny_patch16_224"``.
        extra: the pip extra that brings it, e.g. ``"timm"``.
    """

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what}: needs {extra}; pip install 'acn-eval[{extra}]'")
        self.what, self.extra = what, extra

    def __reduce__(self) -> tuple[type["MissingExtra"], tuple[str, str]]:
        return type(self), (self.what, self.extra)  # an error crosses processes


class TrackingError(AcnEvalError):
    """The evaluation is on disk, but MLflow could not be written."""

    exit_code = 4


class MeasureError(AcnEvalError):
    """The question could not be measured."""

    exit_code = 4


class StoreError(MeasureError):
    """The store of outcomes is full, is away, or may not be used."""


class Unsupported(AcnEvalError):
    """A model or an example cannot answer one question; inside a run this becomes a Skip."""

    exit_code = 4


class Stopped(KeyboardInterrupt):
    """A Ctrl-C that says how much is saved."""
