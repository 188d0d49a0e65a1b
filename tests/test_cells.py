"""Cells: every array survives the file, and a result of schema 1 gets the labels that it shows."""

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from acn_eval.cells import PER_EXAMPLE, UNKNOWN, Cell, CellHead, cells_of, encoded

scalars = st.one_of(st.booleans(), st.integers(-5, 5), st.text(max_size=5), st.floats(-2, 2))
floats32 = st.floats(width=32, allow_nan=True, allow_infinity=True)


@st.composite
def cells(draw):
    n = draw(st.integers(1, 6))
    ids = draw(arrays(np.int64, n, elements=st.integers(-(2**63), 2**63 - 1), unique=True))
    numbers = arrays(np.float32, n, elements=floats32)
    return Cell(
        draw(st.dictionaries(st.text(min_size=1, max_size=6), scalars, max_size=3)),
        ids,
        draw(numbers),
        draw(st.sampled_from(["correct", "loss", "number"])),
        draw(st.booleans()),
        draw(st.none() | arrays(np.int64, n)),
        draw(st.none() | arrays(np.int32, n)),
        *(draw(st.none() | numbers) for _ in ("confidence", "nll", "brier", "targets")),
    )


def heads(cells):
    return [CellHead(dict(c.condition), c.measure, c.primary) for c in cells]


@settings(max_examples=25, deadline=None)
@given(parts=st.lists(cells(), max_size=4))
def test_any_cells_survive(parts):
    found = cells_of(encoded(parts), heads(parts), 2)
    assert len(found) == len(parts)
    for one, other in zip(found, parts, strict=True):
        for field in fields(Cell):
            a, b = getattr(one, field.name), getattr(other, field.name)
            if isinstance(b, np.ndarray):
                assert (a.dtype, a.tobytes()) == (b.dtype, b.tobytes())
            else:
                assert a == b


def older(parts):
    """The file as schema 1 wrote it."""
    table = pq.read_table(pa.BufferReader(encoded(parts)))
    sink = pa.BufferOutputStream()
    newer = {"labels", "nll", "brier", "targets"} & set(table.column_names)
    pq.write_table(table.drop_columns([*newer]), sink)
    return sink.getvalue().to_pybytes()


def test_numbers_have_targets_and_classes_have_no_column_of_them():
    told, stated = np.array([1.5, np.nan], np.float32), np.array([2.0, 0.2], np.float32)
    cell = Cell.numbered({"level": 1}, np.array([7, 3]), stated, told, primary=True)
    assert (cell.measure, cell.primary, cell.labels) == ("number", True, None)
    parts = (predicted([1, 0, 0, 0], [3, 3, 3, 3]), cell)
    classes, numbers = cells_of(encoded(parts), heads(parts), 2)
    assert classes.targets is None
    assert numbers.targets.tolist() == stated.tolist()
    assert numbers.values.tobytes() == told.tobytes()
    file = pq.ParquetFile(pa.BufferReader(encoded(parts[:1])))
    assert file.schema_arrow.names[-1] == "brier"  # as files of results without numbers were
    assert pq.ParquetFile(pa.BufferReader(encoded(parts))).schema_arrow.names[-1] == "targets"


def predicted(values, classes, measure="correct", ids=(0, 1, 2, 3)):
    classes = np.array(classes, dtype=np.int32)
    return Cell({}, np.array(ids), np.array(values, np.float32), measure, predicted=classes)


def test_labels_of_schema_1_are_classes_that_are_right_somewhere():
    parts = (
        predicted([1, 0, 0, 0], [3, 3, 3, 3]),
        predicted([1, 0, 0, 0], [4, 9, 2, 5], ids=(2, 3, 1, 0)),
        predicted([1, 1, 1, 1], [7, 7, 7, 7], measure="loss"),
        Cell({}, np.arange(4), np.ones(4, np.float32)),
    )
    first, second, loss, bare = cells_of(older(parts), heads(parts), 1)
    assert first.labels.tolist() == loss.labels.tolist() == [3, UNKNOWN, 4, UNKNOWN]
    assert second.labels.tolist() == [4, UNKNOWN, UNKNOWN, 3]
    assert bare.labels is None


@pytest.mark.parametrize("schema", [1, 2])
def test_columns_are_those_of_the_schema(schema):
    parts = (predicted([1, 0, 0, 0], [3, 3, 3, 3]),)
    content = encoded(parts) if schema == 1 else older(parts)
    with pytest.raises(ValueError, match="columns must be cell, id, value"):
        cells_of(content, heads(parts), schema)


def test_an_answer_is_right_where_the_predicted_class_is_the_label():
    labels, classes = np.array([1, 2, 0]), np.array([1, 0, -1], np.int32)
    cell = Cell.answered({"level": 1}, np.arange(3), labels, classes, primary=True)
    assert cell.values.tolist() == [1, 0, 0]
    assert cell.values.dtype == np.float32
    assert (cell.primary, cell.measure, cell.confidence) == (True, "correct", None)
    assert set(PER_EXAMPLE) < {field.name for field in fields(Cell)}


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux's list of threads")
def test_cells_are_read_in_the_thread_that_asks(tmp_path):
    """One of Arrow's may free the bytes later, and aborts a process that ends meanwhile."""
    (tmp_path / "cells.parquet").write_bytes(encoded([predicted([1, 0, 1, 0], [3, 2, 1, 0])]))
    program = (
        "import os, sys; from acn_eval.cells import CellHead, cells_of\n"
        "content = open(sys.argv[1], 'rb').read(); before = os.listdir('/proc/self/task')\n"
        "assert len(cells_of(content, [CellHead({}, 'correct', True)], 2)) == 1\n"
        "print(len(os.listdir('/proc/self/task')) - len(before))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "cells.parquet")]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "0"
