"""Opens what a command will write to, before anything is measured."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from errno import EACCES
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from acn_eval.errors import ConfigError
from acn_eval.lazy import uncollected
from acn_eval.run_options import RunOptions

if TYPE_CHECKING:
    from acn_eval.tracking import Recorder

__all__ = ["recording"]


@contextmanager
def recording(
    options: RunOptions, json_file: str | None = None, *made: Path | None
) -> "Iterator[Recorder | None]":
    """Open the MLflow store in a process of its own, and import torch in this one meanwhile.

    Args:
        options: name the folder for results, and the store.
        json_file: that will be written.
        made: further files; folders are created where they are missing.

    Raises:
        OSError: a file or folder cannot be written.
        ConfigError: the store has no valid address, or the JSON file has other content.
        TrackingError: the folder of the store cannot be written.
    """
    if json_file and json_file != "-":
        _require_json(Path(json_file))
        _require_writable(Path(json_file))
    for path in (options.out, *filter(None, made)):
        _require_writable(path)
    with _recorder(options) as recorder:
        with uncollected():
            import acn_eval.workflow.running  # noqa: F401
        yield recorder


def _recorder(options: RunOptions) -> "AbstractContextManager[Recorder | None]":
    if not options.track:
        return nullcontext()
    from acn_eval.stores import resolve_store
    from acn_eval.tracking import preparing

    return preparing(resolve_store(options.tracking_uri, cwd=Path.cwd()))


def _require_json(path: Path) -> None:
    """Refuse to overwrite a file that is not JSON, such as a checkpoint."""
    if path.is_file() and path.stat().st_size and os.access(path, os.R_OK):
        with path.open("rb") as file:
            if file.read(1) not in b"{[":
                msg = f"`json`: must not replace a file that is not JSON; got {path}"
                raise ConfigError(f"{msg}. Give it another name.", "json")


def _require_writable(path: Path) -> None:
    """Hours of measuring must not end at a folder that cannot be written."""
    held = next(p for p in (path, *path.parents) if p.exists())
    try:
        if not path.exists() or path.is_dir():
            TemporaryFile(dir=held).close()
        elif not os.access(path, os.W_OK):
            raise PermissionError(EACCES, os.strerror(EACCES))
    except OSError as exc:
        raise OSError(exc.errno, exc.strerror, str(path)) from exc
