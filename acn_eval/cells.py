"""Outcomes of one checkpoint for each example, and the parquet file that holds them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from acn_eval.config_files import Record

__all__ = [
    "CORRECT",
    "NUMBER",
    "PER_EXAMPLE",
    "UNKNOWN",
    "Cell",
    "CellHead",
    "Scalar",
    "cells_of",
    "encoded",
]

Scalar = str | int | float | bool
CORRECT = "correct"
"""Measure of a cell of predicted classes: 1 where they are right, else 0."""
NUMBER = "number"
"""Measure of a cell of predicted numbers."""
UNKNOWN = -1
"""The label of an example whose class no outcome of a result of schema 1 shows."""
_ROWS = 1 << 20  # more of them must be worth their bytes: a few declare billions
_ROWS_PER_BYTE = 16  # a result of dead networks has 1
_OPTIONAL = {
    "labels": np.int64,
    "predicted": np.int32,
    "confidence": np.float32,
    "nll": np.float32,
    "brier": np.float32,
    "targets": np.float32,
}
PER_EXAMPLE = ("ids", "values", *_OPTIONAL)
"""The arrays of a cell."""
_TYPES = {"cell": np.int32, "id": np.int64, "value": np.float32, **_OPTIONAL}
_COLUMNS = pa.schema([(name, pa.from_numpy_dtype(dtype)) for name, dtype in _TYPES.items()])
_CLASSES = _COLUMNS.remove(_COLUMNS.get_field_index("targets"))
"""The columns where no cell is about numbers, as they were before there were any."""
_COLUMNS_1 = pa.schema(
    [field for field in _CLASSES if field.name not in {"labels", "nll", "brier"}]
)


@dataclass(frozen=True)
class Cell:
    """Outcomes of one checkpoint for each example under one condition.

    Attributes:
        condition: flat mapping of scalars, e.g. ``{"corruption": "gaussian", "level": 0.1,
            "space": "pixel"}`` or ``{"corruption": "clean", "level": 0.0}``. ``repeat`` numbers
            draws, which are averaged within the example; ``exit`` is the number of executed
            blocks, or the name of a depth that was chosen on validation; ``per_class`` is the
            size of a training set.
        ids: int64 (n,), unique: the key by which two results are paired.
        values: float32 (n,), the measure per example (1 / 0 for ``correct``).
        measure: name of the values.
        primary: whether the cell counts in the primary endpoint of its suite.
        labels: int64 (n,), the true class of the data, or `UNKNOWN`; None where there is none.
        predicted: int32 (n,), predicted class of the data, -1 for another; or None.
        confidence: float32 (n,), softmax probability of the predicted class, or None.
        nll: float32 (n,), negative log-likelihood of the label in nats, or None.
        brier: float32 (n,), squared distance of the softmax from the label (one-hot), summed
            over the classes of the network; or None.
        targets: float32 (n,), the numbers that the data state, where the values are predicted
            ones; or None.
    """

    condition: Mapping[str, Scalar]
    ids: NDArray[np.int64]
    values: NDArray[np.float32]
    measure: str = CORRECT
    primary: bool = False
    labels: NDArray[np.int64] | None = None
    predicted: NDArray[np.int32] | None = None
    confidence: NDArray[np.float32] | None = None
    nll: NDArray[np.float32] | None = None
    brier: NDArray[np.float32] | None = None
    targets: NDArray[np.float32] | None = None

    @staticmethod
    def answered(
        condition: Mapping[str, Scalar],
        ids: NDArray[np.int64],
        labels: NDArray[np.int64],
        predicted: NDArray[np.int32],
        **more: Any,
    ) -> "Cell":
        """Return the cell of predicted classes (n,): right where they are the label."""
        right = (predicted == labels).astype(np.float32)
        return Cell(condition, ids, right, labels=labels, predicted=predicted, **more)

    @staticmethod
    def numbered(
        condition: Mapping[str, Scalar],
        ids: NDArray[np.int64],
        targets: NDArray[np.float32],
        predicted: NDArray[np.float32],
        **more: Any,
    ) -> "Cell":
        """Return the cell of predicted numbers (n,) and those that the data state."""
        return Cell(condition, ids, predicted, NUMBER, targets=targets, **more)


@dataclass(frozen=True)
class CellHead(Record):
    """The part of a cell that ``result.json`` holds."""

    condition: Mapping[str, Scalar]
    measure: str
    primary: bool


def encoded(cells: Sequence[Cell]) -> bytes:
    """Return cells as a parquet file."""
    table = pa.Table.from_batches([_batch(*numbered) for numbered in enumerate(cells)], _COLUMNS)
    if all(cell.targets is None for cell in cells):
        table = table.select(_CLASSES.names)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _batch(number: int, cell: Cell) -> pa.RecordBatch:
    owner = np.full(len(cell.ids), number)
    own = [owner, cell.ids, cell.values, *(getattr(cell, name) for name in _OPTIONAL)]
    columns = zip(own, _TYPES.values(), strict=True)
    return pa.record_batch([_column(v, t, len(owner)) for v, t in columns], schema=_COLUMNS)


def _column(values: NDArray[Any] | None, dtype: type, n: int) -> pa.Array:
    kind = pa.from_numpy_dtype(dtype)
    if values is None:
        return pa.nulls(n, kind)
    content = pa.py_buffer(np.ascontiguousarray(values, dtype))
    return pa.Array.from_buffers(kind, len(values), [None, content])  # `pa.array` imports pandas


def cells_of(content: bytes, heads: Sequence[CellHead], schema: int) -> tuple[Cell, ...]:
    """Return the cells of a parquet file; those of schema 1 get the labels that follow from them.

    Raises:
        ValueError: columns or rows that are not those of the heads.
        OSError, pyarrow.ArrowException: no parquet file, or one with a footer out of proportion.
    """
    if schema == 1:
        return _labeled(_cells(_table(content, _COLUMNS_1), heads))
    return _cells(_table(content, _CLASSES, _COLUMNS), heads)


def _table(content: bytes, *columns: pa.Schema) -> pa.Table:
    """Return the table of a parquet file, after checks of its columns and number of rows."""
    # Groups within groups would end the process, and names in names fill any memory.
    most = {"thrift_container_size_limit": 2**8, "thrift_string_size_limit": 2**14}
    file = pq.ParquetFile(pa.BufferReader(content), **most)
    if not any(file.schema_arrow.equals(own) for own in columns):
        raise ValueError(f"columns must be {', '.join(columns[0].names)}, each of its type")
    groups = (file.metadata.row_group(i).num_rows for i in range(file.num_row_groups))
    rows = max(file.metadata.num_rows, sum(groups))
    if rows > max(_ROWS, _ROWS_PER_BYTE * len(content)):
        raise ValueError(f"rows must be worth their bytes; got {rows:,} in {len(content):,}")
    # A thread of Arrow's that still frees `content` when Python ends would abort the process.
    return file.read(use_threads=False)


def _cells(table: pa.Table, heads: Sequence[CellHead]) -> tuple[Cell, ...]:
    columns = {name: table[name].combine_chunks() for name in table.column_names}
    owner = _array(columns["cell"])
    if len(owner) and not (
        owner[0] >= 0 and (np.diff(owner) >= 0).all() and owner[-1] < len(heads)
    ):
        raise ValueError("rows must belong to the cells, in their order")
    starts = np.searchsorted(owner, np.arange(len(heads) + 1))

    def part(name: str, lo: int, hi: int) -> NDArray[Any] | None:
        piece = columns[name].slice(lo, hi - lo)
        return None if piece.null_count else _array(piece)

    return tuple(
        Cell(
            condition=head.condition,
            ids=_array(columns["id"].slice(lo, hi - lo)),
            values=_array(columns["value"].slice(lo, hi - lo)),
            measure=head.measure,
            primary=head.primary,
            **{name: part(name, lo, hi) for name in _OPTIONAL if name in columns},
        )
        for head, lo, hi in zip(heads, starts[:-1], starts[1:], strict=True)
    )


def _array(column: pa.Array) -> NDArray[Any]:
    return np.from_dlpack(column)  # pyarrow's own `to_numpy` imports pandas


def _labeled(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """Fill in labels: where a prediction of any cell is right, it is the label."""
    known: dict[int, int] = {}
    for cell in cells:
        if cell.measure == CORRECT and cell.predicted is not None:
            right = cell.values == 1
            pairs = zip(cell.ids[right].tolist(), cell.predicted[right].tolist(), strict=True)
            known.update(pairs)

    def of(cell: Cell) -> NDArray[np.int64]:
        return np.array([known.get(i, UNKNOWN) for i in cell.ids.tolist()], np.int64)

    return tuple(c if c.predicted is None else replace(c, labels=of(c)) for c in cells)
