"""Opens the MLflow store while everything else is still being measured."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from acn_eval.tracking import Recorder

__all__ = ["recording"]


@contextmanager
def recording(options: Mapping[str, Any]) -> "Iterator[Recorder | None]":
    """Open the store in a process of its own while torch is imported and images are shown."""
    if options["no_track"]:
        yield None
        return
    from acn_eval.tracking import preparing, resolve_store

    with preparing(resolve_store(options["tracking_uri"], cwd=Path.cwd())) as recorder:
        yield recorder
