"""Labeled images in the columns of tables, as Hugging Face writes them; read with pyarrow alone.

Of a table, only the columns of images and labels are touched. No code of a data set is run.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from acn_eval.data.encoded import EncodedImages
from acn_eval.data.rows import UNREADABLE, Rows
from acn_eval.errors import DataError
from acn_eval.foreign_text import is_unicode

__all__ = ["Labels", "TableImages", "image_column", "labels_of"]

_MOST_CLASSES = 100_000
_LONGEST_NAME = 1000
_SHOWN = 8
_REMEDY = "Save it by save_to_disk, which takes the images in, or use folder:PATH."
_UNKNOWN = -1  # what Hugging Face gives examples without a label
P = TypeVar("P", int, NDArray[np.int64])


@dataclass(frozen=True)
class TableImages(EncodedImages):
    """Encoded images in a column of bytes, or of ``{bytes, path}``.

    Attributes:
        numbers: of the rows (n,) that they are; None: all.
        hashes_before: of what each held where it was read before, in another process.
    """

    rows: Rows
    column: str
    numbers: NDArray[np.int64] | None = None
    hashes_before: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self._ends[-1]) if self.numbers is None else len(self.numbers)

    def place(self, position: int) -> str:
        """Return the data set and the row."""
        return f"{self.rows.where}, row {self._row(position)}"

    def stored(self, positions: NDArray[np.int64]) -> Iterator[tuple[int, bytes]]:
        """Yield the bytes, batch by batch of the table."""
        asked = self._row(positions)
        batches = np.searchsorted(self._ends, asked, side="right")
        for batch in np.unique(batches).tolist():
            images = self.rows.column(batch, self.column)
            first = int(self._ends[batch]) - self.rows.counts[batch]
            for k in np.flatnonzero(batches == batch).tolist():
                content = images[int(asked[k]) - first].as_py()
                if content is None:
                    what = "must hold an image as bytes; it holds none, or the name of a file"
                    raise DataError(f"{self.place(int(positions[k]))}: {what}. {_REMEDY}")
                yield k, content

    def part(self, positions: NDArray[np.int64]) -> "TableImages":
        """Return where these images lie, which another process reads."""
        return TableImages(self.rows, self.column, self._row(positions), self._known[positions])

    def expected(self) -> NDArray[np.int64]:
        """Return what was read before."""
        return super().expected() if self.hashes_before is None else self.hashes_before

    def _row(self, position: P) -> P:
        return position if self.numbers is None else self.numbers[position]

    @cached_property
    def _ends(self) -> NDArray[np.int64]:
        return np.cumsum(self.rows.counts, dtype=np.int64)


class Labels(NamedTuple):
    """Class of every row (n,), -1 where it is unknown, and the names of all classes, if any."""

    values: NDArray[np.int64]
    classes: tuple[str, ...]
    named: bool


def image_column(rows: Rows) -> str:
    """Return the column of images: ``NAME`` of bytes, or ``NAME.bytes`` of a struct.

    Raises:
        DataError: there is none, or more than one.
    """
    fields = {field.name: field.type for field in rows.schema}
    known = [name for name in rows.of_type("Image") if name in fields]
    able = [name for name, kind in fields.items() if _holds_bytes(kind)]
    found = [name for name in known or able if name in able]
    if len(found) != 1:
        msg = f"{rows.where}: must have one column of images as bytes; got {rows.described()}"
        text = any(pa.types.is_string(kind) for kind in fields.values()) and not found
        raise DataError(f"{msg}. Sentences are read as tsv: or jsonl:" if text else msg)
    return f"{found[0]}.bytes" if pa.types.is_struct(fields[found[0]]) else found[0]


def _holds_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        at = kind.get_field_index("bytes")
        return at >= 0 and _holds_bytes(kind.field(at).type)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def labels_of(rows: Rows, asked: str) -> Labels:
    """Return the labels: class numbers or names in the column that was asked for, or the only one.

    Raises:
        DataError: no such column, or none that is clear; or numbers without a name.
    """
    column = _label_column(rows, asked)
    batches = [rows.column(i, column) for i in range(len(rows.counts))]
    feature = rows.features.get(column)
    names = feature.get("names") if isinstance(feature, dict) else None
    if pa.types.is_integer(rows.schema.field(column).type):
        return _numbered(batches, names, f"{rows.where}: column {column!r:.50}")
    return _spelled(batches, f"{rows.where}: column {column!r:.50}")


def _label_column(rows: Rows, asked: str) -> str:
    able = [f.name for f in rows.schema if _is_label(f.type)]
    known = [name for name in rows.of_type("ClassLabel") if name in able]
    candidates = known or (["label"] if "label" in able else able)
    if asked in able:
        return asked
    if asked or len(candidates) != 1:
        got = f"{asked!r:.50} of " if asked else ""
        msg = f"{rows.where}: must have one column of labels; got {got}{rows.described()}"
        raise DataError(f"{msg}. Name it behind the path, as in PATH@label.")
    return candidates[0]


def _is_label(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)
    )


def _numbered(batches: Sequence[pa.Array], names: Any, where: str) -> Labels:
    try:
        filled = [b.cast(pa.int64()).fill_null(_UNKNOWN) for b in batches]
    except UNREADABLE as exc:
        raise DataError(f"{where} must hold numbers of classes; {exc}") from exc
    values = np.concatenate([np.from_dlpack(b) for b in filled] or [np.empty(0, np.int64)])
    classes = _checked(names, where) if isinstance(names, list) else ()
    top = int(values.max(initial=-1))
    most = len(classes) if classes else _MOST_CLASSES
    worst = top if top >= most else int(values.min(initial=0))
    if not _UNKNOWN <= worst < most:
        raise DataError(f"{where} must hold numbers from 0 to {most - 1}; got {worst}")
    counted = tuple(str(i) for i in range(top + 1))
    return Labels(values, classes or counted, named=bool(classes))


def _spelled(batches: Sequence[pa.Array], where: str) -> Labels:
    parts, number = [], dict[str, int]()
    for batch in batches:
        coded = batch.dictionary_encode()  # as it is where it is: unpacked, it may fill any memory
        own = [_numbered_name(name, number) for name in coded.dictionary.to_pylist()]
        if len(number) > _MOST_CLASSES:
            msg = f"{where} must hold names of at most {_MOST_CLASSES} classes; got more"
            raise DataError(f"{msg}. Name the column of labels behind the path, as in PATH@label.")
        codes = np.from_dlpack(coded.indices.cast(pa.int64()).fill_null(len(own)))
        parts.append(np.array([*own, _UNKNOWN], np.int64)[codes])
    classes = tuple(sorted(_checked([*number], where)))
    place = {name: i for i, name in enumerate(classes)}
    order = np.array([*(place[name] for name in number), _UNKNOWN], np.int64)
    return Labels(order[np.concatenate(parts or [np.empty(0, np.int64)])], classes, named=True)


def _numbered_name(name: str | None, number: dict[str, int]) -> int:
    return _UNKNOWN if name is None else number.setdefault(name, len(number))


def _checked(names: Sequence[Any], where: str) -> tuple[str, ...]:
    fine = all(isinstance(n, str) and n and len(n) <= _LONGEST_NAME for n in names)
    if not fine or len({*names}) < len(names) or not all(map(is_unicode, names)):
        raise DataError(f"{where} must have different Unicode names; got {names[:_SHOWN]!r:.200}")
    if len(names) > _MOST_CLASSES:
        raise DataError(f"{where} must have at most {_MOST_CLASSES} classes; got {len(names)}")
    return tuple(names)
