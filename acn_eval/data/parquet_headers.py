"""What a parquet file says about itself, judged before pyarrow takes stack or memory for it.

Source: parquet.thrift of Apache Parquet, and the compact protocol of Thrift.
"""

from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

__all__ = ["require_small_footer", "unpacked"]

_LARGEST_FOOTER = 2**22  # bytes: some 14,000 row groups of two columns
_MOST_COLUMNS = 1000  # with groups: each within another takes pyarrow 1 kB of stack
_LONGEST_NAMES = 2**16  # bytes: pyarrow repeats the name of a group in each column of it


def require_small_footer(path: Path) -> None:
    """Refuse a footer that pyarrow would take too much for.

    Raises:
        ValueError: it is damaged, or describes too much; or another of `DAMAGED`.
    """
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        length, end = int.from_bytes(content[-8:-4], "little"), len(content) - 8
        if content[-4:] != b"PAR1" or length > end:
            raise ValueError("it does not end in a footer")
        if length > _LARGEST_FOOTER:
            most = f"its footer must take at most {_LARGEST_FOOTER:,} bytes; got {length:,}"
            raise ValueError(f"{most}. Write it with fewer row groups and columns")
        columns = _Thrift(content, end - length).struct().get(2, [])
    names = sum(len(column.get(4, b"")) for column in columns)
    if len(columns) > _MOST_COLUMNS or names > _LONGEST_NAMES:
        most = f"at most {_MOST_COLUMNS:,} columns with names of {_LONGEST_NAMES:,} bytes in all"
        raise ValueError(f"it must have {most}; got {len(columns):,} with {names:,}")


def unpacked(path: Path, chunk: pq.ColumnChunkMetaData) -> int:
    """Return the bytes of a chunk's pages in memory, as each page states; no page grows past it.

    Raises:
        ValueError: a page is damaged; or another of `DAMAGED`.
    """
    starts = (chunk.data_page_offset, chunk.dictionary_page_offset or 0)
    first = min(start for start in starts if start > 0)
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        pages, size = _Thrift(content, first), 0
        while pages.at < first + chunk.total_compressed_size:
            page = pages.struct()
            if min(page[2], page[3]) < 0:
                raise ValueError("a page states a negative size")
            size += max(page[2], page[3])
            pages.at += page[3]
    return size


@dataclass
class _Thrift:
    """A reader of Thrift's compact protocol; past the end of the content it raises IndexError."""

    content: mmap
    at: int

    def struct(self) -> dict[int, Any]:
        """Return the fields by number."""
        found, number = dict[int, Any](), 0
        while (head := self._byte()) & 15:
            number = number + (head >> 4) if head >> 4 else self._integer()
            if not 0 <= number < 2**15:
                raise ValueError("it has a field without a number")
            code = head & 15
            found[number] = code == 1 if code in {1, 2} else self._value(code)
        return found

    def _value(self, code: int) -> Any:
        match code:
            case 1 | 2 | 3:
                return self._byte()
            case 4 | 5 | 6:
                return self._integer()
            case 7:
                return self._bytes(8)
            case 8:
                return self._bytes(self._varint())
            case 9 | 10:
                head = self._byte()
                length = head >> 4 if head >> 4 < 15 else self._varint()
                return [self._value(head & 15) for _ in range(length)]
            case 12:
                return self.struct()
        raise ValueError(f"it has a field of an unknown kind, {code}")

    def _byte(self) -> int:
        self.at += 1
        return self.content[self.at - 1]

    def _bytes(self, length: int) -> bytes:
        self.at += length
        return self.content[self.at - length : self.at]

    def _integer(self) -> int:
        unsigned = self._varint()
        return (unsigned >> 1) ^ -(unsigned & 1)

    def _varint(self) -> int:
        found = 0
        for shift in range(0, 64, 7):
            byte = self._byte()
            found |= (byte & 127) << shift
            if byte < 128:
                return found
        raise ValueError("it has a number without an end")
