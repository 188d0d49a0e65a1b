"""Where the images of a shard lie and what they hold: found in one pass, and kept for the next.

A shard is a tar file in the format of WebDataset: the files of one image are neighbors, and share
the name up to its first dot. Source: https://github.com/webdataset/webdataset.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, NonNegativeInt
from rich.console import Console
from rich.progress import track

from acn_eval.cache import OutcomeCache, default_store
from acn_eval.config_files import parse_json
from acn_eval.data.decoding import MOST_BYTES, SUFFIXES, is_turned
from acn_eval.data.tars import Tar, TarMember, open_tar
from acn_eval.errors import AcnEvalError, DataError, MeasureError
from acn_eval.foreign_text import is_unicode
from acn_eval.inputs import content_hash

__all__ = ["ROW", "ShardIndex", "forget", "indexed"]

ROW = np.dtype(
    [
        ("id", "<i8"),
        ("hash", "<i8"),
        ("offset", "<i8"),
        ("size", "<i8"),
        ("name", "<i8"),
        ("length", "<i4"),
        ("label", "<i4"),
        ("turned", "?"),
        ("label_hash", "<i8"),
        ("label_offset", "<i8"),
        ("label_size", "<i4"),
    ]
)
"""An image: hashes of its key and of its content, where that begins and its bytes, where its name
begins among the names and its bytes, the number of its label (-1: none), and `is_turned`; hash,
place and bytes of the member that states its label."""
_FORMAT = "shard index 2"
_THREADS = 4  # each holds an image while it is hashed
_MOST_LABELS = 100_000
_LONGEST_LABEL = 1000
_LABEL_BYTES = 2**16
_STATED_BYTES = 2**20
_MOST_KINDS = 100
_LONGEST_KIND = 20
_UNLABELED = "images without a label"
_NO_FILE = "links or devices"
_OTHERS = "others"
_NOWHERE = TarMember("", 0, 0, plain=True)


class _Head(BaseModel):
    """The first line of an index."""

    labels: tuple[str, ...]
    left_out: dict[str, int]
    rows: NonNegativeInt


@dataclass(frozen=True)
class ShardIndex:
    """The images of one shard.

    Attributes:
        rows: (n,) of `ROW`, in the order of the file.
        names: of the members, in UTF-8, one after another.
        labels: as they stand there, different.
        left_out: how many members that are no image, by kind, and images without a label.
    """

    rows: NDArray[np.void]
    names: bytes
    labels: tuple[str, ...]
    left_out: Counter[str]

    def packed(self) -> bytes:
        """Return it as bytes."""
        head = {"labels": self.labels, "left_out": self.left_out, "rows": len(self.rows)}
        return json.dumps(head).encode() + b"\n" + self.rows.tobytes() + self.names

    @staticmethod
    def unpacked(content: bytes, size: int) -> "ShardIndex":
        """Read what `packed` returned, of a shard of so many bytes.

        Raises:
            ValueError: it is something else.
        """
        line, _, body = content.partition(b"\n")
        head = _Head.model_validate_json(line)
        rows = np.frombuffer(body, ROW, head.rows) if head.rows else np.empty(0, ROW)
        found = ShardIndex(rows, body[rows.nbytes :], head.labels, Counter(head.left_out))
        if not found._fits(size):
            raise ValueError("it leads out of its shard")
        return found

    def _fits(self, size: int) -> bool:
        """Whether a shard of so many bytes, these names and these labels are all it leads to."""
        rows, names = self.rows, len(self.names)
        spans = ("offset", "size", size), ("label_offset", "label_size", size)
        for start, length, end in (*spans, ("name", "length", names)):
            low, count = rows[start], rows[length]
            if ((low < 0) | (count < 0) | (low > end - count)).any():
                return False
        numbers = rows["label"]
        wrong = (numbers < -1) | (numbers >= len(self.labels)) | (rows["hash"] < 0)
        return not wrong.any()


def indexed(shards: Sequence[Path]) -> list[ShardIndex]:
    """Return the index of every shard; one known by path, size and times is not read.

    Raises:
        DataError: a shard is damaged, holds what is no labeled image, or changes meanwhile.
    """
    store, shown = default_store(), Console(stderr=True)
    with ThreadPoolExecutor(_THREADS) as threads:
        found = [threads.submit(partial(_known_or_made, store), path) for path in shards]
        bar = partial(track, console=shown, transient=True, disable=not shown.is_terminal)
        try:
            return [one.result() for one in bar(found, "shards that are indexed")]
        finally:  # where one is refused, the others are not read
            threads.shutdown(cancel_futures=True)


def forget(path: Path) -> None:
    """Forget what is known of a shard, which is read anew when it is next opened."""
    with suppress(AcnEvalError, OSError):
        default_store().drop(_address(path, os.stat(path)))


def _known_or_made(store: OutcomeCache, path: Path) -> ShardIndex:
    stream, tar = open_tar(path)
    with stream:
        address = _address(path, os.fstat(stream.fileno()))
        if content := store.read(address):
            with suppress(ValueError):
                return ShardIndex.unpacked(content, tar.size)
        made = _Made(tar).index()
        if _address(path, os.fstat(stream.fileno())) != address:
            what = "must stay as it is while it is read; it has changed"
            raise DataError(f"{path}: {what}. Run it again.")
    with suppress(MeasureError):  # it is made again
        store.write(address, made.packed())
    return made


def _address(path: Path, status: os.stat_result) -> str:
    # Nobody sets the second time back, as rsync, cp and tar do with the first.
    times = status.st_mtime_ns, status.st_ctime_ns
    return OutcomeCache.key([_FORMAT, os.path.realpath(path), status.st_size, *times])


class _Made:
    """One pass over a shard."""

    def __init__(self, tar: Tar) -> None:
        self._tar, self._left_out = tar, Counter[str]()
        self._names, self._labels = bytearray(), dict[str, int]()

    def index(self) -> ShardIndex:
        rows = np.fromiter(self._rows(), ROW)
        return ShardIndex(rows, bytes(self._names), tuple(self._labels), self._left_out)

    def _rows(self) -> Iterator[tuple[int | bool, ...]]:
        for key, files in groupby(self._tar.members(), lambda member: _parts(member.name)[0]):
            own = [file for file in files if not _is_meta(file.name)]
            image = self._image(key, own)
            if image is None:
                continue
            label, *stated = self._label(key, own)
            content, name = self._tar.content(image, MOST_BYTES), image.name.encode()
            hashes = content_hash(key.encode()), content_hash(content)
            number = -1 if label is None else self._labels.setdefault(label, len(self._labels))
            if len(self._labels) > _MOST_LABELS:
                msg = f"{self._tar.path}: must have at most {_MOST_LABELS:,} classes; got more"
                raise DataError(msg)
            where = image.offset, image.size, len(self._names), len(name)
            yield *hashes, *where, number, is_turned(content), *stated
            self._names += name

    def _image(self, key: str, files: Sequence[TarMember]) -> TarMember | None:
        """Return the image of a key; count what is none."""
        found = []
        for file in files:
            ending = _parts(file.name)[1]
            if not file.plain:
                self._leave_out(_NO_FILE)
            elif f".{ending}" in SUFFIXES:
                found.append(file)
            elif ending not in {"cls", "json"}:
                self._leave_out(f".{ending:.{_LONGEST_KIND}}" if ending else "without suffix")
        if len(found) > 1:
            names = ", ".join(file.name for file in found[:3])
            raise DataError(f"{self._tar.path}: {key} must have one image; got {names}")
        return found[0] if found else None

    def _leave_out(self, kind: str) -> None:
        known = kind in self._left_out or len(self._left_out) < _MOST_KINDS
        self._left_out[kind if known else _OTHERS] += 1

    def _label(self, key: str, files: Sequence[TarMember]) -> tuple[str | None, int, int, int]:
        """Return the label of a key; hash, place and bytes of the member that states it."""
        label, content, member = None, b"", _NOWHERE
        for ending, most, read in (
            ("cls", _LABEL_BYTES, self._text),
            ("json", _STATED_BYTES, self._stated),
        ):
            own = [file for file in files if file.plain and _parts(file.name)[1] == ending]
            if len(own) > 1:
                names = ", ".join(file.name for file in own[:3])
                raise DataError(f"{self._tar.path}: {key} must have one .{ending}; got {names}")
            if own and member is _NOWHERE:
                (member,) = own
                content = self._tar.content(member, most)
                label = read(content, key)
        if label is None or label == "-1":
            self._leave_out(_UNLABELED)
            label = None
        elif not label or len(label) > _LONGEST_LABEL or not is_unicode(label):
            raise self._refused(key, label)
        return label, content_hash(content), member.offset, member.size

    def _text(self, content: bytes, key: str) -> str:
        try:
            return content.decode().strip()
        except UnicodeDecodeError as exc:
            raise self._refused(key, content) from exc

    def _stated(self, content: bytes, key: str) -> str | None:
        try:
            given = parse_json(content)
        except ValueError as exc:
            raise DataError(f"{self._tar.path}: {key}.json must be JSON; {exc}") from exc
        label = given.get("label") if isinstance(given, dict) else None
        if isinstance(label, bool | float | list | dict):
            raise self._refused(key, label)
        return None if label is None else str(label)

    def _refused(self, key: str, got: object) -> DataError:
        what = "must have the number or the name of a class as label"
        return DataError(f"{self._tar.path}: {key} {what}; got {got!a:.80}")


def _parts(name: str) -> tuple[str, str]:
    """Return what the files of one image share, and the ending in lower case.

    >>> _parts("n01/a.seg.PNG"), _parts("n01/.b")
    (('n01/a', 'seg.png'), ('n01/', 'b'))
    """
    folder, slash, file = name.rpartition("/")
    stem, _, ending = file.partition(".")
    return f"{folder}{slash}{stem}", ending.lower()


def _is_meta(name: str) -> bool:
    """Whether it is about the shard, as WebDataset marks it."""
    first = name.partition("/")[0]
    return first.startswith("__") and first.endswith("__")
