"""Opens what a command will write to, while nothing has been measured yet."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from errno import EACCES
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from acn_eval.tracking import Recorder

__all__ = ["recording"]


@contextmanager
def recording(options: Mapping[str, Any], *made: str) -> "Iterator[Recorder | None]":
    """Open the store in a process of its own while torch is imported and images are shown.

    Args:
        options: of the command line.
        made: further options that name files whose folder is made where it is missing.

    Raises:
        OSError: a file or folder of the options cannot be written.
        ConfigError: the address of the store is none.
        TrackingError: the folder of the store cannot be written.
    """
    made = ("out", "export_to", *made)
    for name in dict.fromkeys(("json_file", *made)):
        runtime = options.get(name)
        if runtime and str(runtime) != "-":
            _require_writable(Path(runtime), made=name in made)
    if options["no_track"]:
        yield None
        return
    from acn_eval.tracking import preparing, resolve_store

    with preparing(resolve_store(options["tracking_uri"], cwd=Path.cwd())) as recorder:
        yield recorder


def _require_writable(runtime: Path, *, made: bool) -> None:
    """Write nothing that stays: hours of measuring must not end at a folder that is not there."""
    held = [p for p in (runtime, *runtime.parents) if p.exists()] if made else [runtime.parent]
    try:
        if not runtime.exists() or runtime.is_dir():
            TemporaryFile(dir=held[0]).close()
        elif not os.access(runtime, os.W_OK):
            raise PermissionError(EACCES, os.strerror(EACCES))
    except OSError as exc:
        raise OSError(exc.errno, exc.strerror, str(runtime)) from exc
