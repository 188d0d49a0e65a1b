"""torchvision, imported late: one place that says in one line what is wrong with it."""

from importlib import import_module
from typing import Any

from acn_eval.errors import DataError

__all__ = ["torchvision_module"]


def torchvision_module(name: str, where: str) -> Any:
    """Return a module of torchvision, e.g. ``"torchvision.datasets"``.

    A torchvision built for another torch fails with a RuntimeError about an operator, not with an
    ImportError; both mean the same to a user.

    Raises:
        DataError: with `where`, that torchvision cannot be imported, and what to do.
    """
    try:
        return import_module(name)
    except (ImportError, RuntimeError, OSError) as exc:
        reason = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
        msg = (
            f"{where}: torchvision must be importable; got {reason}. "
            "Install the torchvision that fits this torch: pip install --upgrade torch torchvision"
        )
        raise DataError(msg) from exc
