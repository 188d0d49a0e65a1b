"""acn-eval: is a network that was trained differently really better?"""

from importlib import import_module
from typing import Any

__all__ = ["compare", "evaluate", "load"]

_HOMES = {
    "compare": "acn_eval.studies.compare",
    "evaluate": "acn_eval.evaluation",
    "load": "acn_eval.checkpoints",
}


def __getattr__(name: str) -> Any:
    """Import the public names on first use: `acn-eval --help` must not pay for torch."""
    if name not in _HOMES:
        msg = f"module 'acn_eval' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(_HOMES[name]), name)
