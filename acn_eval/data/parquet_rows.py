"""Rows of parquet files, row group by row group."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from acn_eval.data.parquet_headers import require_small_footer, unpacked
from acn_eval.data.rows import UNREADABLE, Rows, readable
from acn_eval.errors import DataError

__all__ = ["ParquetRows"]

_LARGEST_GROUP = 2**30  # bytes of one column, unpacked
_KEPT = 2**28  # bytes of columns that were read last
_MOST_ROWS = 10_000_000  # some 65 bytes of memory each, whatever the file takes


class _Group(NamedTuple):
    """A row group of a file."""

    file: Path
    number: int


@dataclass(frozen=True)
class ParquetRows(Rows):
    """Rows of files with one schema; a batch is a row group."""

    groups: Sequence[_Group]
    _kept: dict[tuple[int, str], pa.Array] = field(default_factory=dict, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        """Return where the rows lie, without those that were read."""
        return {**vars(self), "_kept": {}}

    @staticmethod
    def of(files: Sequence[Path], where: str) -> "ParquetRows":
        """Return the rows of all files, one after another.

        Raises:
            DataError: one is no parquet file, or has other columns than the first.
        """
        groups, counts, schemas = [], [], []
        for path in files:
            try:
                require_small_footer(path)
                with pq.ParquetFile(path) as file:
                    meta, schema = file.metadata, readable(file.schema_arrow)
                    rows = [meta.row_group(i).num_rows for i in range(meta.num_row_groups)]
            except UNREADABLE as exc:
                raise DataError(f"{where}: {path.name} must be a parquet file; {exc}") from exc
            groups += [_Group(path.absolute(), i) for i in range(len(rows))]
            counts += rows
            schemas.append(schema)
            if not schema.equals(schemas[0], check_metadata=True):
                msg = f"{where}: all files must have the columns of {files[0].name}"
                raise DataError(f"{msg}; {path.name} has others")
        if not all(0 <= n <= _MOST_ROWS for n in (*counts, sum(counts))):
            raise DataError(f"{where}: must have at most {_MOST_ROWS:,} rows; got {sum(counts):,}")
        return ParquetRows(where, schemas[0], tuple(counts), groups)

    def column(self, batch: int, name: str) -> pa.Array:
        """Return a column of a row group; those that were read last are kept."""
        key = batch, name
        if key not in self._kept:
            found = self._read(batch, name)
            while self._kept and sum(a.nbytes for a in self._kept.values()) + found.nbytes > _KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = found
        return self._kept[key]

    def _read(self, batch: int, name: str) -> pa.Array:
        path, number = self.groups[batch]
        where = f"{self.where}: {path.name}, row group {number}"
        try:
            # Dictionaries stay what they are: unpacked, a small one may fill any memory.
            with pq.ParquetFile(path, read_dictionary=[name]) as file:
                group = file.metadata.row_group(number)
                columns = (group.column(i) for i in range(group.num_columns))
                pages = sum(unpacked(path, c) for c in columns if c.path_in_schema == name)
                _require_room(pages, where)
                table = file.read_row_group(number, columns=[name], use_threads=False)
        except UNREADABLE as exc:
            raise DataError(f"{where} must be readable; {exc}") from exc
        if table.num_columns != 1:
            raise DataError(f"{where} must have the column {name!r:.50}; it has none")
        found = table.column(0).combine_chunks()
        if pa.types.is_struct(found.type):
            (found,) = found.flatten()
        if len(found) != self.counts[batch]:
            msg = f"{where} must have {self.counts[batch]} rows; got {len(found)}"
            raise DataError(msg)
        return found


def _require_room(size: int, where: str) -> None:
    if size > _LARGEST_GROUP:
        most = f"must take at most {_LARGEST_GROUP / 1e9:.1f} GB"
        remedy = "Write it with fewer rows in a group, as in write_table(row_group_size=1000)."
        raise DataError(f"{where} {most} in memory; it takes {size / 1e9:.1f} GB. {remedy}")
