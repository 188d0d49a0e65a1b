"""The studies, one room each; their suites are imported from here: `Robustness`, `Transfer`."""

from importlib import import_module
from typing import Any

from acn_eval.studies.table import studies

__all__: list[str] = []


def __getattr__(name: str) -> Any:
    """Import the config of a study on first use: `LowDataProbe` is of the kind ``low_data``."""
    for kind, own in studies().items():
        if name.startswith(_class(kind)):
            return getattr(import_module(f"{own.package}.suite"), name)
    msg = f"module 'acn_eval.studies' has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return [*globals(), *map(_class, studies())]


def _class(kind: str) -> str:
    return kind.title().replace("_", "")
