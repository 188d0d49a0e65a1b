"""Outcomes on disk, addressed by content: a killed run goes on where it was."""

import hashlib
import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

from acn_eval.errors import MeasureError

__all__ = ["CACHE_ENV", "OUTCOME", "Store", "default_store"]

CACHE_ENV = "ACN_EVAL_CACHE"
OUTCOME = np.dtype(
    [
        ("id", np.int64),
        ("predicted", np.int32),
        ("confidence", np.float32),
        ("entropy", np.float32),
    ]
)
"""What is kept per image and exit: its id, the predicted class of the data (-1: another), the
softmax of that class, and the entropy of the softmax in nats."""
_LIMIT = 2 * 1024**3
_DIGEST = 16  # bytes of a checksum before the content


class _File(NamedTuple):
    path: Path
    size: int
    used: float


@dataclass(frozen=True)
class Store:
    """A folder of small files, one per (checkpoint, condition, chunk of images).

    Writes are atomic, so any number of processes may share it; what is there is never redone.

    Attributes:
        folder: where; made on the first write.
        limit: bytes that `trim` leaves at most, least recently used first to go.
        readable: False measures anew, and replaces what is there.
    """

    folder: Path
    limit: int = _LIMIT
    readable: bool = True

    @staticmethod
    def key(facts: Any) -> str:
        """Return the content address (32 hex digits) of plain JSON facts."""
        text = json.dumps(facts, sort_keys=True, default=list)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def get(self, key: str) -> NDArray[np.void] | None:
        """Return the outcomes (n,) of a key, or None; a damaged file counts as not there."""
        content = self.read(key)
        return None if content is None else np.frombuffer(content, OUTCOME)

    def put(self, key: str, outcomes: NDArray[np.void]) -> None:
        """Keep the outcomes (n,) of a key."""
        self.write(key, outcomes.tobytes())

    def read(self, key: str) -> bytes | None:
        """Return what was written under a key, or None; it counts as used now."""
        if not self.readable:
            return None
        path = self._path(key)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        with suppress(OSError):  # trimmed by another process, or not ours
            os.utime(path)
        body = content[_DIGEST:]
        return body if content[:_DIGEST] == _digest(body) else None

    def write(self, key: str, content: bytes) -> None:
        """Keep bytes under a key, in one step.

        Raises:
            MeasureError: the folder cannot be written.
        """
        path = self._path(key)
        part = path.with_name(f"{path.stem}.{uuid4().hex}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(_digest(content) + content)
            part.replace(path)
        except OSError as exc:
            msg = (
                f"{self.folder}: outcomes must be kept there; {exc.strerror}. "
                f"Point {CACHE_ENV} at another folder."
            )
            raise MeasureError(msg) from exc

    def drop(self, key: str) -> None:
        """Forget what was written under a key, if anything was."""
        with suppress(OSError):
            self._path(key).unlink()

    def size(self) -> int:
        """Return the bytes in use."""
        return sum(file.size for file in self._files())

    def trim(self, limit: int | None = None) -> int:
        """Remove the least recently used files above the limit; return the bytes freed."""
        files = sorted(self._files(), key=lambda file: file.used)
        excess = sum(file.size for file in files) - (self.limit if limit is None else limit)
        freed = 0
        for file in files:
            if freed >= excess:
                break
            freed += file.size
            file.path.unlink(missing_ok=True)
        return freed

    def _files(self) -> list[_File]:
        """Every file but those that somebody may be writing; one that goes meanwhile is left."""
        found = []
        for path in self.folder.glob("*/*"):
            with suppress(FileNotFoundError):
                status = path.stat()
                found.append(_File(path, status.st_size, status.st_mtime))
        stale = time.time() - 3600
        return [file for file in found if file.path.suffix != ".part" or file.used < stale]

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.outcomes"


def default_store() -> Store:
    """Return the store in ACN_EVAL_CACHE, or in the user's cache folder."""
    given = os.environ.get(CACHE_ENV)
    return Store(Path(given) if given else user_cache_path("acn-eval") / "outcomes")


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST).digest()
