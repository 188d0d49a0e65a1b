"""Rows of Arrow's streams, which lie in files and are mapped into memory, not read into it."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from acn_eval.data.rows import UNREADABLE, Rows, readable
from acn_eval.errors import DataError

__all__ = ["ArrowRows"]

_HEADER = 2  # field of a message: the record batch
_COMPRESSION = 3  # field of a record batch


@dataclass(frozen=True)
class ArrowRows(Rows):
    """Rows of files with one schema, in the batches that they were written in."""

    batches: Sequence[pa.RecordBatch]
    files: Sequence[Path]

    def __reduce__(self) -> tuple[Any, ...]:
        """Return where the rows lie, which another process maps into its memory."""
        return ArrowRows.of, (self.files, self.where)

    @staticmethod
    def of(files: Sequence[Path], where: str) -> "ArrowRows":
        """Return the rows of all files, one after another.

        Raises:
            DataError: one is no stream of Arrow, is compressed, or has other columns than the
                first.
        """
        batches, schemas = list[pa.RecordBatch](), list[pa.Schema]()
        for path in files:
            try:
                source = pa.memory_map(str(path))
                schemas.append(readable(pa.ipc.read_schema(source)))
                batches += _batches(source, schemas[-1])
            except UNREADABLE as exc:
                what = "must be a stream of Arrow, as save_to_disk writes it"
                raise DataError(f"{where}: {path.name} {what}; {exc}") from exc
            if not schemas[-1].equals(schemas[0], check_metadata=True):
                msg = f"{where}: all files must have the columns of {files[0].name}"
                raise DataError(f"{msg}; {path.name} has others")
        counts = tuple(b.num_rows for b in batches)
        return ArrowRows(where, schemas[0], counts, batches, [f.absolute() for f in files])

    def column(self, batch: int, name: str) -> pa.Array:
        """Return a column of a batch, in the memory of the file."""
        top, _, inner = name.partition(".")
        found = self.batches[batch].column(top)
        try:
            found.validate(full=True)  # offsets that lead elsewhere would end the process
        except UNREADABLE as exc:
            what = f"column {top!r:.50} of batch {batch} must be whole"
            raise DataError(f"{self.where}: {what}; {exc}") from exc
        if not inner:
            return found
        return found.flatten()[found.type.get_field_index(inner)]


def _batches(source: pa.NativeFile, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    while True:
        try:
            message = pa.ipc.read_message(source)
        except EOFError:
            return
        if message.type != "record batch" or _is_compressed(message.metadata.to_pybytes()):
            raise ValueError("its batches must be plain: not compressed, and without dictionaries")
        yield pa.ipc.read_record_batch(message, schema)


def _is_compressed(message: bytes) -> bool:
    """Whether a batch would be unpacked, to whatever size it states.

    Source: Message.fbs of Apache Arrow, and the encoding of FlatBuffers.
    """
    (root,) = struct.unpack_from("<I", message)
    header = _field(message, root, _HEADER)
    if not header:
        raise ValueError("it has no header")
    (offset,) = struct.unpack_from("<I", message, header)
    return bool(_field(message, header + offset, _COMPRESSION))


def _field(message: bytes, table: int, number: int) -> int:
    """Return where a field of a table lies; 0 where the table has none."""
    (back,) = struct.unpack_from("<i", message, table)
    (size,) = struct.unpack_from("<H", message, table - back)
    slot = 4 + 2 * number
    (offset,) = struct.unpack_from("<H", message, table - back + slot) if slot < size else (0,)
    return table + offset if offset else 0
