"""``wds:PATH``: labeled images in tar shards of WebDataset, read from where they lie.

No code of a data set is run, and nothing is unpacked to the disk.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from acn_eval.config_files import limited
from acn_eval.data.encoded import EncodedImages
from acn_eval.data.examples import Examples, Split, members, number_of
from acn_eval.data.shard_index import ShardIndex, forget, indexed
from acn_eval.data.splits import Files, files_below, files_by_split, part_of
from acn_eval.data.tars import read_at
from acn_eval.errors import DataError, MeasureError
from acn_eval.inputs import content_hash
from acn_eval.reach import allowed, followed

__all__ = ["ShardImages", "files_of_pattern", "open_shards"]

_CLASSES = ("classes.txt", "classnames.txt")  # the second is CLIP benchmark's
_CLASSES_BYTES = 2**24
_MOST = 100_000  # classes
_MOST_IMAGES = 10_000_000
_MOST_FILES = 10_000
_SHOWN = 5
_RANGE = re.compile(r"\{(\d{1,9})\.\.(\d{1,9})\}", re.ASCII)
_WORDS = re.compile(r"\{[\w-]+(,[\w-]+)+\}")  # no path: it leads into no other folder


@dataclass(frozen=True)
class ShardImages(EncodedImages):
    """Images in shards, read where they lie; about 70 bytes of memory each, and their names.

    Attributes:
        shards: the tar files.
        shard: of each image (n,), index into `shards`.
        rows: (n,) of `acn_eval.data.shard_index.ROW`.
        names: of the members, in UTF-8; `rows` say where each begins.
    """

    shards: Sequence[Path]
    shard: NDArray[np.int32]
    rows: NDArray[np.void]
    names: bytes

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.rows)

    def place(self, position: int) -> str:
        """Return the shard and the member."""
        return f"{self.shards[self.shard[position]]}: {self._name(position).decode()}"

    def stored(self, positions: NDArray[np.int64]) -> Iterator[tuple[int, bytes]]:
        """Yield the content of every image, shard by shard, in the order of the file."""
        order = np.lexsort((self.rows["offset"][positions], self.shard[positions]))
        own = self.shard[positions[order]]
        for part in np.split(order, np.flatnonzero(np.diff(own)) + 1) if len(order) else ():
            path = self.shards[self.shard[positions[part[0]]]]
            try:
                stream = path.open("rb", buffering=0)
            except OSError as exc:
                raise DataError(f"{path}: must be a readable file; {exc.strerror}") from exc
            with stream:
                for k in part.tolist():
                    row = self.rows[positions[k]]
                    where = int(row["offset"]), int(row["size"])
                    self._require_label(stream.fileno(), int(positions[k]))
                    yield k, read_at(stream.fileno(), *where, path)

    def part(self, positions: NDArray[np.int64]) -> "ShardImages":
        """Return where these images lie, which another process reads."""
        names = [self._name(i) for i in positions.tolist()]
        rows, (used, shard) = self.rows[positions], self._used(positions)
        rows["length"] = [len(name) for name in names]
        rows["name"] = np.cumsum(rows["length"]) - rows["length"]
        return ShardImages([self.shards[i] for i in used], shard, rows, b"".join(names))

    def expected(self) -> NDArray[np.int64]:
        """Return what the shards held when they were indexed."""
        return np.ascontiguousarray(self.rows["hash"])

    def changed(self, position: int) -> MeasureError:
        """Return the error; the shard is read anew when it is next opened."""
        forget(self.shards[self.shard[position]])
        return super().changed(position)

    def _require_label(self, descriptor: int, position: int) -> None:
        """Refuse a label that is not what it was: it may change where the image does not."""
        row, path = self.rows[position], self.shards[self.shard[position]]
        found = read_at(descriptor, int(row["label_offset"]), int(row["label_size"]), path)
        if content_hash(found) != row["label_hash"]:
            raise self.changed(position)

    @cached_property
    def _turned(self) -> NDArray[np.bool_]:
        return self.rows["turned"]

    def _name(self, position: int) -> bytes:
        start = int(self.rows["name"][position])
        return self.names[start : start + int(self.rows["length"][position])]

    def _used(self, positions: NDArray[np.int64]) -> tuple[list[int], NDArray[np.int32]]:
        used, shard = np.unique(self.shard[positions], return_inverse=True)
        return used.tolist(), shard.astype(np.int32)


def open_shards(path: Path, split: Split) -> Examples:
    """Return a split of tar shards: one file, a folder, or ``PATH/train-{000..009}.tar``.

    An image is ``KEY.jpg``, or of another ending of an image; its label is ``KEY.cls``, the number
    or the name of its class, or ``label`` in ``KEY.json``. The name of a shard or of its folder
    states the split; a validation without test is the test split, and validation is then 10 % of
    train by hash. Names of classes by number are the lines of ``classes.txt`` beside the shards.
    Ids are hashes of the keys.

    All shards are read once, and what they hold is remembered until one of them changes.

    Raises:
        DataError: not there, damaged, no labels, no such split, or a key that stands twice.
    """
    name = f"wds:{path}"
    files, folder = _located(path, name)
    part = part_of(split, files, name)
    shards = [followed(file) for file in files[part.split]]
    whole = _joined(shards, indexed(shards), _listed(folder, name), split, name)
    if not part.cut:
        return whole
    return whole.at(members(whole.ids, folder.name, split, validation=0.1, test=0.0))


def files_of_pattern(path: Path) -> Iterator[Path]:
    """Yield the files of ``PATH/x-{00..03}.tar`` or ``{train,val}.tar``; of others, the path.

    >>> [str(path) for path in files_of_pattern(Path("{a,b}-{09..10}.tar"))]
    ['a-09.tar', 'a-10.tar', 'b-09.tar', 'b-10.tar']
    """
    choices = map(_choices, re.split(r"(\{[^{}]*\})", str(path)))
    return (Path("".join(parts)) for parts in product(*choices))


def _choices(piece: str) -> list[str]:
    if found := _RANGE.fullmatch(piece):
        low, high = found.groups()
        width = max(map(len, found.groups())) if "0" in (low[0], high[0]) else 0
        numbers = range(int(low), min(int(high), int(low) + _MOST_FILES) + 1)
        return [f"{number:0{width}}" for number in numbers] or [piece]
    return piece[1:-1].split(",") if _WORDS.fullmatch(piece) else [piece]


def _located(path: Path, name: str) -> tuple[Files, Path]:
    """Return the shards by split, and the folder that may list the classes."""
    if "{" not in str(path) or os.path.exists(path):
        return files_below(path, "tar", name), path if os.path.isdir(path) else path.parent
    files = [*islice(files_of_pattern(path), _MOST_FILES + 1)]
    for file in files:
        allowed("place", str(file))
        if not os.path.isfile(file):
            raise DataError(f"{name}: all files must be there; there is no {file}")
    folder = Path(os.path.dirname(str(path).partition("{")[0]))
    return files_by_split(files, folder, name), folder


def _joined(
    shards: Sequence[Path],
    found: Sequence[ShardIndex],
    listed: Sequence[str],
    split: Split,
    name: str,
) -> Examples:
    """Return all labeled images of all shards."""
    if (count := sum(len(own.rows) for own in found)) > _MOST_IMAGES:
        raise DataError(f"{name}: must have at most {_MOST_IMAGES:,} images; got {count:,}")
    texts = dict.fromkeys(text for own in found for text in own.labels)
    classes, number = _classes(texts, listed, name)
    rows, start = [], 0
    for own in found:
        shifted, numbers = own.rows.copy(), np.array([*(number[t] for t in own.labels), -1])
        shifted["name"] += start
        shifted["label"] = numbers[own.rows["label"]]
        rows.append(shifted)
        start += len(own.names)
    every = np.concatenate(rows)
    shard = np.repeat(np.arange(len(found), dtype=np.int32), [len(r) for r in rows])
    images = ShardImages(shards, shard, every, b"".join(own.names for own in found))
    where = np.flatnonzero(every["label"] >= 0)
    if not len(where):
        what = "must hold images with labels, KEY.cls or KEY.json beside KEY.jpg"
        raise DataError(f"{name}: {what}; got {count:,} images without")
    _require_once(images, where, name)
    notes = tuple(_notes(sum((own.left_out for own in found), Counter()), name))
    ids, labels = (every[field][where].astype(np.int64) for field in ("id", "label"))
    named = bool(listed) or not all(map(str.isdecimal, texts))
    return Examples(name, split, ids, labels, classes, images, where, notes, named=named)


def _classes(
    texts: Iterable[str], listed: Sequence[str], name: str
) -> tuple[tuple[str, ...], dict[str, int]]:
    """Return the classes, and the class of every label: by its number, or else by its name."""
    stated = {text: number_of(text) for text in texts}
    numbers = {text: number for text, number in stated.items() if number is not None}
    if 0 < len(numbers) < len(stated) and not listed:
        some = next(text for text, number in stated.items() if number is None)
        msg = f"{name}: labels must be all numbers or all names; got {next(iter(numbers))!r:.80}"
        raise DataError(f"{msg} and {some!r:.80}. A list of names in {_CLASSES[0]} allows both.")
    if len(numbers) < len(stated):
        classes = tuple(listed or sorted(stated))
        numbers = {own: i for i, own in enumerate(classes)}
        wrong = next((text for text in stated if text not in numbers), None)
    else:
        classes = tuple(
            listed or map(str, range(min(max(numbers.values(), default=-1), _MOST) + 1))
        )
        wrong = next((text for text, i in numbers.items() if i >= len(classes)), None)
    if wrong is not None:
        what = f"labels must be names, or numbers below {len(classes):,}, of the classes"
        raise DataError(f"{name}: {what}; got {wrong!r:.80}")
    return classes, numbers


def _listed(folder: Path, name: str) -> tuple[str, ...]:
    """Return the lines of the list of classes, in the order of their numbers; none without it."""
    file = next((own for c in _CLASSES if os.path.isfile(own := folder / c)), None)
    if file is None:
        return ()
    try:
        lines = tuple(
            map(str.strip, limited(followed(file), _CLASSES_BYTES).decode().splitlines())
        )
    except (OSError, ValueError) as exc:
        raise DataError(f"{name}: {file} must be a text in UTF-8; {exc}") from exc
    if not all(lines) or len({*lines}) < len(lines) or not 0 < len(lines) <= _MOST:
        what = f"must have 1 to {_MOST:,} lines, a name of a class each, all different"
        raise DataError(f"{name}: {file} {what}")
    return lines


def _require_once(images: ShardImages, where: NDArray[np.int64], name: str) -> None:
    ids = images.rows["id"][where]
    order = np.argsort(ids, kind="stable")
    same = np.flatnonzero(np.diff(ids[order]) == 0)
    if len(same):
        first, again = (images.place(int(where[order[same[0] + i]])) for i in (0, 1))
        raise DataError(f"{name}: a key must stand there once; {first} and {again} have one key")


def _notes(left_out: Counter[str], name: str) -> Iterator[str]:
    if left_out:
        said = ", ".join(f"{n:,} {kind}" for kind, n in left_out.most_common(_SHOWN))
        more = f" and {len(left_out) - _SHOWN} more kinds" if len(left_out) > _SHOWN else ""
        yield f"{name}: left out {said}{more}"
