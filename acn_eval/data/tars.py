"""Where the members of a tar file lie; headers are limited before memory is taken."""

import os
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple, cast

from acn_eval.errors import DAMAGED, DataError
from acn_eval.foreign_text import is_unicode

__all__ = ["Tar", "TarMember", "open_tar"]

_MOST_HEADERS = 2**13  # bytes of one member; tarfile may take the square of that to read them
_MOST_GLOBAL = 100  # values that are for all members: each is copied for every one of them
_LONGEST_NUMBER = 100  # digits; of more, tarfile of Python 3.11.7 takes the square (CVE-2024-6232)
_LONGEST_NAME = 1000
_BLOCK = 512
_BEHIND = 2**16  # bytes behind the end that must be zeros; tar pads to 10,240
_DAMAGED: tuple[type[Exception], ...] = (*DAMAGED, tarfile.TarError)


class TarMember(NamedTuple):
    """A member: its name, where its content begins, and how many bytes it has.

    Attributes:
        plain: whether it is a file of its own: neither a link nor a device, and not sparse.
    """

    name: str
    offset: int
    size: int
    plain: bool


class Tar:
    """An open tar file.

    Args:
        path: of it, for messages.
        stream: its content, unbuffered.
    """

    def __init__(self, path: Path, stream: IO[bytes]) -> None:
        self.path, self._stream = path, stream
        self.size = os.fstat(stream.fileno()).st_size

    def members(self) -> Iterator[TarMember]:
        """Yield the members in their order, without folders.

        Raises:
            DataError: it is no tar file, damaged or cut short, or a name is not UTF-8.
        """
        try:
            yield from self._members()
        except _DAMAGED as exc:
            what = "must be an uncompressed tar file, whole"
            raise DataError(f"{self.path}: {what}; {exc}") from exc

    def content(self, member: TarMember, most: int) -> bytes:
        """Return the bytes of a member of at most so many.

        Raises:
            DataError: it has more, or cannot be read.
        """
        if member.size > most:
            what = f"must have at most {most:,} bytes"
            raise DataError(f"{self.path}: {member.name} {what}; got {member.size:,}")
        return read_at(self._stream.fileno(), member.offset, member.size, self.path)

    def _members(self) -> Iterator[TarMember]:
        source = _Limited(self._stream)
        stream = cast("IO[bytes]", source)
        with tarfile.TarFile(fileobj=stream, encoding="utf-8", errors="surrogateescape") as tar:
            while (own := tar.next()) is not None:
                source.renew()
                tar.members.clear()  # type: ignore[attr-defined]  # it would keep all of them
                if own.size < 0 or tar.offset < own.offset_data:  # CVE-2025-8194: it would go back
                    raise tarfile.ReadError(f"the size of {own.name[:80]!a} is negative")
                if len(tar.pax_headers) > _MOST_GLOBAL:
                    what = f"more than {_MOST_GLOBAL} values are for all members"
                    raise tarfile.ReadError(what)
                if not own.isdir():
                    plain = own.isreg() and not own.issparse()
                    yield TarMember(self._named(own.name), own.offset_data, own.size, plain)
            self._require_end(tar.offset)

    def _named(self, name: str) -> str:
        if not is_unicode(name) or len(name) > _LONGEST_NAME:
            what = f"names must be UTF-8, of at most {_LONGEST_NAME} characters"
            raise DataError(f"{self.path}: {what}; got {name[:80]!a}")
        return name

    def _require_end(self, offset: int) -> None:
        """Refuse what ends without zeros: tarfile stops silently at damage, and before more."""
        if read_at(self._stream.fileno(), offset, _BLOCK, self.path) != bytes(_BLOCK):
            raise tarfile.ReadError(f"a header at byte {offset} is damaged")
        behind = min(_BEHIND, self.size - offset)
        if any(read_at(self._stream.fileno(), offset, behind, self.path)):
            msg = f"there is more behind its end at byte {offset}: two files put together are two"
            raise tarfile.ReadError(msg)


def open_tar(path: Path) -> tuple[IO[bytes], Tar]:
    """Open a tar file.

    Raises:
        DataError: it is no file, or cannot be read.
    """
    if not os.path.isfile(path):
        raise DataError(f"{path}: must be a tar file; there is none")
    try:
        stream = path.open("rb", buffering=0)
    except OSError as exc:
        raise DataError(f"{path}: must be a readable file; {exc.strerror}") from exc
    return stream, Tar(path, stream)


def read_at(descriptor: int, offset: int, size: int, path: Path) -> bytes:
    """Return so many bytes of a file.

    Raises:
        DataError: it ends before, or cannot be read.
    """
    try:
        content = os.pread(descriptor, size, offset)
    except OSError as exc:
        raise DataError(f"{path}: must be readable; {exc.strerror}") from exc
    if len(content) < size:
        msg = f"{path}: must be whole; it ends {offset + size - os.fstat(descriptor).st_size:,}"
        raise DataError(f"{msg} bytes too early")
    return content


class _Limited:
    """A stream that refuses long headers: tarfile takes memory and time for what they declare."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.seek, self.tell = stream.seek, stream.tell
        self.renew()

    def renew(self) -> None:
        """Begin the next member."""
        self._left = _MOST_HEADERS

    def read(self, size: int) -> bytes:
        self._left -= size
        if size < 0 or self._left < 0:
            msg = f"headers of a member must have at most {_MOST_HEADERS:,} bytes"
            raise tarfile.ReadError(msg)
        content = self._stream.read(size)
        if max(map(len, re.findall(rb"\d+", content)), default=0) > _LONGEST_NUMBER:
            msg = f"headers must have numbers of at most {_LONGEST_NUMBER} digits"
            raise tarfile.ReadError(msg)
        return content
