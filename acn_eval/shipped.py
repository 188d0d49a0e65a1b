"""Finds what travels with acn-eval beside its code: in the working copy, or in the wheel."""

from pathlib import Path

__all__ = ["shipped", "shipped_checkpoints"]


def shipped(kind: str) -> Path:
    """Return the folder of shipped ``"suites"``, ``"checkpoints"`` or ``"docs"``.

    In a working copy this is the folder at the repository root; in an installed wheel it is the
    copy inside the package.
    """
    package = Path(__file__).parent
    working_copy = package.parent
    if (working_copy / "pyproject.toml").is_file() and (working_copy / kind).is_dir():
        return working_copy / kind
    return package / "_shipped" / kind


def shipped_checkpoints() -> list[str]:
    """Return the names of the checkpoints that travel with acn-eval."""
    folder = shipped("checkpoints")
    return [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.pt"))]
