"""Versions of Python and of packages: what every result says about the software that made it."""

import platform
from importlib.metadata import version

__all__ = ["versions"]


def versions(*packages: str) -> dict[str, str]:
    """Return versions by name, Python's first; packages are named as pip names them."""
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}
