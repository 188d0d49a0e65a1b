"""Atomic writes: a file is there whole or not at all, also with several writers."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

__all__ = ["is_part", "replacing", "write"]

_PART = re.compile(r"\.acn-eval-[0-9a-f]{32}\.part(-wal|-shm|-journal)?")  # SQLite's, too
_STALE = 24 * 3600.0  # seconds without a write, after which the writer of a part is gone
_STREAMS = {Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd")}


@contextmanager
def replacing(path: Path, *, sync: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside a file, which replaces the file when the block ends.

    Any number of processes may do so at once: the last one stays, and a reader sees one of them
    whole. Where the block raises, the old file stays; what a kill leaves is removed by a later
    write into the same folder, after a day. Folders are created, a link stays a link, and a
    device or a pipe is written in place.

    Args:
        path: the file.
        sync: whether it must survive a loss of power; what can be made again need not.

    Raises:
        OSError: the place cannot be written; it names the file, not the part.
    """
    if path.parent in _STREAMS or (path.exists() and not path.is_file()):
        yield path
        return
    target = Path(os.path.realpath(path))
    part = target.with_name(f".acn-eval-{uuid4().hex}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target.parent)
        yield part
        if sync:
            _flush(part)
        part.replace(target)
    except OSError as exc:
        if exc.filename == str(part):
            raise OSError(exc.errno, exc.strerror, str(path)) from exc
        raise
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def write(path: Path, content: bytes | str, *, sync: bool = True) -> None:
    """Write bytes, or text in UTF-8, as `replacing` does."""
    with replacing(path, sync=sync) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)


def is_part(path: Path) -> bool:
    """Whether a file is being written, or was when its writer was killed."""
    return _PART.fullmatch(path.name) is not None


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _sweep(folder: Path) -> None:
    """Remove the parts of killed writers; another process may remove them at the same time."""
    with suppress(OSError):
        for left in filter(is_part, folder.iterdir()):
            with suppress(OSError):
                if left.stat().st_mtime < time.time() - _STALE:
                    left.unlink()
