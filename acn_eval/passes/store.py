"""Outcomes on disk, addressed by content: a killed run goes on where it was."""

import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

__all__ = ["CACHE_ENV", "OUTCOME", "Store", "default_store"]

CACHE_ENV = "ACN_EVAL_CACHE"
OUTCOME = np.dtype([("id", np.int64), ("predicted", np.int32), ("confidence", np.float32)])
"""What is kept per image: its id, the predicted class of the data (-1: another), softmax."""
_LIMIT = 2 * 1024**3


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
        path = self._path(key)
        if not self.readable:
            return None
        try:
            outcomes: NDArray[np.void] = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        os.utime(path)
        return outcomes if outcomes.dtype == OUTCOME else None

    def put(self, key: str, outcomes: NDArray[np.void]) -> None:
        """Keep the outcomes (n,) of a key."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.stem}.{os.getpid()}.part")
        with part.open("wb") as file:
            np.save(file, outcomes, allow_pickle=False)
        part.replace(path)

    def size(self) -> int:
        """Return the bytes in use."""
        return sum(file.stat().st_size for file in self._files())

    def trim(self, limit: int | None = None) -> int:
        """Remove the least recently used files above the limit; return the bytes freed."""
        files = sorted(self._files(), key=lambda file: file.stat().st_mtime)
        excess = sum(file.stat().st_size for file in files)
        excess -= self.limit if limit is None else limit
        freed = 0
        for file in files:
            if freed >= excess:
                break
            freed += file.stat().st_size
            file.unlink(missing_ok=True)
        return freed

    def _files(self) -> list[Path]:
        stale = time.time() - 3600
        files = list(self.folder.glob("*/*.npy"))
        return files + [f for f in self.folder.glob("*/*.part") if f.stat().st_mtime < stale]

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.npy"


def default_store() -> Store:
    """Return the store in ACN_EVAL_CACHE, or in the user's cache folder."""
    given = os.environ.get(CACHE_ENV)
    return Store(Path(given) if given else user_cache_path("acn-eval") / "outcomes")
