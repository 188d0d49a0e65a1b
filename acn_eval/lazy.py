"""Imports on first use, and without a search for garbage."""

import gc
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

__all__ = ["on_first_use", "uncollected"]


def on_first_use(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a package.

    Args:
        package: its name.
        homes: the module that each public name is imported from; a module is its own home.
    """

    def attribute(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = import_module(homes[name])
        return home if homes[name] == f"{package}.{name}" else getattr(home, name)

    return attribute, lambda: [*homes]


@contextmanager
def uncollected() -> Iterator[None]:
    """Import many modules without searching them for garbage, neither now nor later.

    They stay until the process ends, and Python would search them hundreds of times while their
    number grows: a fifth of the time that importing torch or MLflow takes. Garbage that is there
    already stays as well, so that nothing changes in a process that has imported torch before.
    """
    if "torch" in sys.modules:
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
