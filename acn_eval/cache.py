"""Outcomes on disk, addressed by content, from which a killed run resumes."""

import hashlib
import json
import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from platformdirs import user_cache_path

from acn_eval import atomic
from acn_eval.errors import ConfigError, MeasureError

__all__ = ["CACHE_ENV", "OUTCOME", "OutcomeCache", "default_store"]

CACHE_ENV = "ACN_EVAL_CACHE"
OUTCOME = np.dtype(
    [
        ("id", np.int64),
        ("predicted", np.int32),
        ("confidence", np.float32),
        ("entropy", np.float32),
        ("nll", np.float32),
        ("brier", np.float32),
    ]
)
"""A record per example and exit: its id, the predicted class of the data (-1: another), the
softmax of that class, the entropy of the softmax in nats, the negative log-likelihood of the label
in nats, and the squared distance of the softmax from the label."""
_LIMIT = 2 * 1024**3
_MAGIC = b"acn-eval outcomes 1\n"
_DIGEST = 16  # bytes of a checksum between the magic and the content
_NAME = re.compile(r"(?P<folder>[0-9a-f]{2})/(?P=folder)[0-9a-f]{30}(-[a-z]+)?\.outcomes")
_MARKER = "CACHEDIR.TAG"  # of the Cache Directory Tagging Specification: backups leave it out
_REMEDY = f"Point {CACHE_ENV} at another folder."
_MARK = "Signature: 8a477f597d28d172789f06886806bc55\n# Outcomes that acn-eval keeps.\n"


class _File(NamedTuple):
    path: Path
    size: int
    used: float


@dataclass(frozen=True)
class OutcomeCache:
    """A folder of small files, one per (checkpoint, condition, chunk of images).

    Writes are atomic, so any number of processes may share it. Its first file marks the folder:
    one with other content is refused, and files that the cache did not write are never removed.

    Attributes:
        folder: created on the first write.
        limit: bytes that `trim` leaves at most; the least recently used files go first.
        readable: False measures again, and replaces what is there.
    """

    folder: Path
    limit: int = _LIMIT
    readable: bool = True

    @staticmethod
    def key(facts: Any) -> str:
        """Return the content address (32 hex digits) of plain JSON facts."""
        text = json.dumps(facts, sort_keys=True, default=list)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def read(self, key: str) -> bytes | None:
        """Return what was written under a key; None if there is nothing, or it is damaged."""
        if not self.readable:
            return None
        path = self._path(key)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        start = len(_MAGIC) + _DIGEST
        body = content[start:]
        if content[:start] != _MAGIC + _digest(body):
            return None
        with suppress(OSError):  # trimmed by another process
            os.utime(path)
        return body

    def write(self, key: str, content: bytes) -> None:
        """Write bytes under a key, atomically.

        Raises:
            ConfigError: the folder has other content.
            MeasureError: the folder cannot be written.
        """
        try:
            self._mark()
            whole = _MAGIC + _digest(content) + content
            atomic.write(self._path(key), whole, sync=False)
        except OSError as exc:
            msg = f"{self.folder}: outcomes must be kept there; {exc.strerror}. {_REMEDY}"
            raise MeasureError(msg) from exc

    def check(self) -> None:
        """Refuse a folder with other content.

        Raises:
            ConfigError: it has some, or is no folder.
        """
        try:  # in this order: a cache has its marker before anything else
            held = [p for p in self.folder.iterdir() if not atomic.is_part(p)]
        except FileNotFoundError:
            return
        except OSError as exc:
            msg = f"{self.folder}: must be a folder for outcomes; got {exc.strerror}. {_REMEDY}"
            raise ConfigError(msg) from exc
        if held and not self._marked():
            msg = f"{self.folder}: must be empty or a store of acn-eval; it holds {held[0].name}"
            raise ConfigError(f"{msg}. {_REMEDY}")

    def drop(self, key: str) -> None:
        """Remove what was written under a key, if anything was."""
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
            if _written(file.path):
                freed += file.size
                file.path.unlink(missing_ok=True)
        return freed

    def _files(self) -> list[_File]:
        found = []
        for path in self.folder.glob("*/*.outcomes"):
            if not _NAME.fullmatch(path.relative_to(self.folder).as_posix()):
                continue
            with suppress(FileNotFoundError):
                status = path.lstat()
                if stat.S_ISREG(status.st_mode):
                    found.append(_File(path, status.st_size, status.st_mtime))
        return found

    def _mark(self) -> None:
        if not self._marked():
            self.check()
            atomic.write(self.folder / _MARKER, _MARK)

    def _marked(self) -> bool:
        try:
            return (self.folder / _MARKER).read_bytes() == _MARK.encode()
        except OSError:
            return False

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.outcomes"


def default_store() -> OutcomeCache:
    """Return the cache in ACN_EVAL_CACHE, or in the user's cache folder.

    Raises:
        ConfigError: that folder has other content.
    """
    given = os.environ.get(CACHE_ENV)
    store = OutcomeCache(Path(given) if given else user_cache_path("acn-eval") / "store")
    store.check()
    return store


def _written(path: Path) -> bool:
    with suppress(OSError), path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC
    return False


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST).digest()
