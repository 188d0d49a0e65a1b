"""What installed packages add: data, checkpoints, corruptions and studies, by entry point."""

from importlib.metadata import entry_points
from typing import Any, Literal

from acn_eval.errors import ConfigError

__all__ = ["Group", "installed", "plugin"]

Group = Literal["checkpoints", "corruptions", "data", "studies"]


def installed(group: Group) -> list[str]:
    """Return the names that installed packages add to a group."""
    return sorted({point.name for point in entry_points(group=f"acn_eval.{group}")})


def plugin(group: Group, name: str) -> Any:
    """Return what the entry point ``name`` of the group ``acn_eval.GROUP`` refers to, or None.

    Raises:
        ConfigError: the package is there, and cannot be imported.
    """
    for point in entry_points(group=f"acn_eval.{group}", name=name):
        try:
            return point.load()
        except (ImportError, AttributeError) as exc:
            msg = f"{name}: {point.value} must be importable; {exc}. Reinstall its package."
            raise ConfigError(msg) from exc
    return None
