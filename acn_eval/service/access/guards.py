"""Guards of requests: what a route needs."""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Principal", "needs"]


@dataclass(frozen=True)
class Principal:
    """Who asks."""

    name: str


def needs(scope: str) -> Callable[[], Principal]:
    """Return the dependency of a route that needs a scope: everyone on this machine has it."""
    return lambda: Principal("this machine")
