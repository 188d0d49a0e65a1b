"""Outcomes, addressed by content, from which a killed run resumes."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

import numpy as np

from acn_eval.cache.folder import Folder
from acn_eval.cache.objects import Objects
from acn_eval.cache.place import MARK, MARKER, REMEDY, Held, Place
from acn_eval.errors import ConfigError, StoreError
from acn_eval.foreign_text import shown

__all__ = ["OUTCOME", "OutcomeCache"]

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
_LARGEST = 4 * 1024**3  # bytes of a file; more is damage, and is not read into memory
_TOGETHER = 128  # files that are read at once
_MAGIC = b"acn-eval outcomes 1\n"
_DIGEST = 16  # bytes of a checksum between the magic and the content
_NAME = re.compile(r"(?P<folder>[0-9a-f]{2})/(?P=folder)[0-9a-f]{30}(-[a-z]+)?\.outcomes")


@dataclass(frozen=True)
class OutcomeCache:
    """Small files in one place, one per (checkpoint, condition, chunk of images).

    Writes are atomic, so any number of processes and machines may share it. Its first file marks
    the place: one with other content is refused, and files that the cache did not write are never
    removed.

    Attributes:
        folder: created on the first write; or an address such as ``"s3://bucket/outcomes"``.
        limit: bytes that `trim` leaves at most; the least recently used files go first or, in an
            object store, those that were written first.
        readable: False measures again, and replaces what is there.
        writable: False keeps and removes nothing.
    """

    folder: Path | str
    limit: int = _LIMIT
    readable: bool = True
    writable: bool = True

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.folder, self.limit, self.readable, self.writable)

    @staticmethod
    def key(facts: Any) -> str:
        """Return the content address (32 hex digits) of plain JSON facts."""
        text = json.dumps(facts, sort_keys=True, default=list)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @property
    def is_far(self) -> bool:
        """Whether a round trip takes long: many are better made at once."""
        return not isinstance(self.folder, Path)

    @property
    def where(self) -> str:
        """The place, as messages show it."""
        return shown(str(self.folder))

    def read(self, key: str) -> bytes | None:
        """Return what was written under a key; None if there is nothing, or it is damaged.

        Raises:
            StoreError: the place cannot be reached: nobody knows what it holds.
        """
        return self.held([key]).get(key)

    def held(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return what was written under keys; an object store is asked for many at once.

        Raises:
            StoreError: the place cannot be reached.
        """
        names = {_name(key): key for key in keys} if self.readable else {}
        held = {}
        for part in _parts(names):
            for name, content in self._place.read(part, _LARGEST + 1).items():
                body = _body(content)
                if body is not None:
                    held[names[name]] = body
                    self._place.touch(name)
        return held

    def write(self, key: str, content: bytes) -> None:
        """Write bytes under a key, atomically.

        Raises:
            ConfigError: the place has other content.
            StoreError: it cannot be written.
        """
        self.write_all({key: content})

    def write_all(self, contents: Mapping[str, bytes]) -> None:
        """Write bytes under keys, each atomically; see `write`."""
        if not self.writable:
            return
        if not self._place.marked:
            self.check()
            self._place.write({MARKER: MARK})
        whole = {_name(key): _MAGIC + _digest(own) + own for key, own in contents.items()}
        self._place.write(whole)

    def check(self) -> None:
        """Refuse a place with other content.

        Raises:
            ConfigError: it has some, or is no place for files.
            StoreError: it cannot be reached.
        """
        # In this order: a cache has its marker before anything else.
        held = list(self._place.top())
        if held and self._place.read([MARKER], len(MARK) + 1) != {MARKER: MARK}:
            msg = f"{self.where}: must be empty or a store of acn-eval; it holds {held[0]}"
            raise ConfigError(f"{msg}. {REMEDY}")

    def drop(self, key: str) -> None:
        """Remove what was written under a key, if anything was."""
        if self.writable:
            self._place.remove([_name(key)])

    def size(self) -> int:
        """Return the bytes in use."""
        return sum(file.size for file in self._files())

    def trim(self, limit: int | None = None) -> int:
        """Remove the least recently used files above the limit; return the bytes freed.

        What another process removes meanwhile counts as room that was made.

        Raises:
            StoreError: more than the limit stays because some files must not be removed, or the
                place cannot be reached.
        """
        files = sorted(self._files(), key=lambda file: file.used)
        excess = sum(file.size for file in files) - (self.limit if limit is None else limit)
        freed = denied = 0
        while files and excess > 0:
            room = accumulate((file.size for file in files), initial=0)
            some = [
                file for file, made in zip(files[:_TOGETHER], room, strict=False) if made < excess
            ]
            files = files[len(some) :]
            heads = self._place.read([file.name for file in some], len(_MAGIC))
            own = {file.name: file.size for file in some if heads.get(file.name) == _MAGIC}
            stays = sum(own[name] for name in self._place.remove(own))
            denied += stays
            freed += sum(own.values()) - stays
            excess -= sum(own.values()) - stays
            excess -= sum(file.size for file in some if file.name not in heads)
        if denied and excess > 0:
            msg = f"{self.where}: outcomes above the limit must be removable; {denied:,} bytes"
            raise StoreError(f"{msg} stay, which this user must not remove.")
        return freed

    @cached_property
    def _place(self) -> Place:
        return Folder(self.folder) if isinstance(self.folder, Path) else Objects(self.folder)

    def _files(self) -> Iterator[Held]:
        return (file for file in self._place.files() if _NAME.fullmatch(file.name))


def _name(key: str) -> str:
    return f"{key[:2]}/{key}.outcomes"


def _parts(names: Iterable[str]) -> Iterator[list[str]]:
    left = iter(names)
    while part := list(islice(left, _TOGETHER)):
        yield part


def _body(content: bytes) -> bytes | None:
    """Return what a file holds; None if it is damaged."""
    start = len(_MAGIC) + _DIGEST
    if len(content) > _LARGEST or content[:start] != _MAGIC + _digest(memoryview(content)[start:]):
        return None
    return content[start:]


def _digest(content: bytes | memoryview) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST).digest()
