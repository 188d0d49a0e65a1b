"""acn-eval: is a network that was trained differently really better?"""

from importlib import import_module
from typing import Any

__all__ = ["DataSelection", "RunOptions", "compare", "evaluate", "load", "rank", "workflow"]

_HOMES = {
    "DataSelection": "acn_eval.run_options",
    "RunOptions": "acn_eval.run_options",
    "compare": "acn_eval.studies.compare",
    "evaluate": "acn_eval.evaluation",
    "load": "acn_eval.checkpoints",
    "rank": "acn_eval.studies.compare",
}


def __getattr__(name: str) -> Any:
    """Import the public names on first use: `acn-eval --help` must not pay for torch."""
    if name == "workflow":
        return import_module("acn_eval.workflow")
    if name not in _HOMES:
        msg = f"module 'acn_eval' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """Return the public names, which are imported on first use."""
    return __all__
