"""A folder of one worker for what its jobs leave, removed even where the worker is killed."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

__all__ = ["scratch"]


@contextmanager
def scratch(place: Path) -> Iterator[Path]:
    """Yield a new folder that is removed at the end, as are those of workers that were killed.

    Each has a lock beside it, which is free when its worker is gone.

    Raises:
        OSError: the place cannot be written.
    """
    place.mkdir(parents=True, exist_ok=True)
    for left in place.glob("*.lock"):
        with suppress(Timeout), FileLock(left, blocking=False):
            _remove(left)
    own = Path(tempfile.mkdtemp(prefix="worker-", dir=place))
    held = own.with_suffix(".lock")
    with FileLock(held):
        try:
            yield own
        finally:
            _remove(held)


def _remove(lock: Path) -> None:
    shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
    lock.unlink(missing_ok=True)
