"""What installed packages add: data, checkpoints, corruptions and studies, by entry point."""

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

from acn_eval.errors import ConfigError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["Group", "installed", "plugin"]

Group = Literal["checkpoints", "corruptions", "data", "studies"]


def installed(group: Group) -> list[str]:
    """Return the names that installed packages add to a group."""
    return sorted({point.name for point in _points(group)})


def plugin(group: Group, name: str) -> Any:
    """Return what the entry point ``name`` of the group ``acn_eval.GROUP`` refers to, or None.

    Raises:
        ConfigError: the package is there, and cannot be imported.
    """
    for point in _points(group):
        if point.name == name:
            try:
                return point.load()
            except (ImportError, AttributeError) as exc:
                msg = f"{name}: {point.value} must be importable; {exc}. Reinstall its package."
                raise ConfigError(msg) from exc
    return None


def _points(group: Group) -> "list[EntryPoint]":
    section = f"acn_eval.{group}"
    if not any(_names(place or ".", f"[{section}]".encode()) for place in sys.path):
        return []  # importlib.metadata would take longer than all the rest of a help text
    from importlib.metadata import entry_points

    return [*entry_points(group=section)]


def _names(place: str, section: bytes) -> bool:
    """Whether the metadata of some package in a place of sys.path may have a section."""
    with suppress(FileNotFoundError, PermissionError):
        try:
            named = ((e.name.lower(), e.path) for e in os.scandir(place))  # an egg has EGG-INFO
            folders = [path for name, path in named if name.endswith("-info")]
        except NotADirectoryError:
            return True  # an archive
        for folder in folders:
            with suppress(OSError), open(f"{folder}/entry_points.txt", "rb") as file:
                if section in file.read():
                    return True
    return False
