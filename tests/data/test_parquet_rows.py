"""Row groups of parquet files: read one at a time, and limited before they take memory."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from acn_eval.data import Geometry, open_examples
from acn_eval.errors import DataError
from tests.data.tables import (
    encoded,
    one,
    pixels,
    table,
)


def test_a_row_group_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("acn_eval.data.parquet_rows._LARGEST_GROUP", 300)
    examples = open_examples(one("parquet", tmp_path, table(pixels(3), [0, 1, 2])))
    with pytest.raises(DataError, match=r"row group 0 must take at most .*row_group_size=1000"):
        examples.read(np.arange(1), Geometry(8, 3))


def test_a_dictionary_is_not_unpacked(tmp_path):
    """One image of a megabyte in 4,000 rows is a file of a megabyte, and stays one in memory."""
    noise = encoded(pixels(1, side=600)[0], "BMP")
    rows = pa.DictionaryArray.from_arrays(np.zeros(4000, np.int32), pa.array([noise]))
    content = pa.table({"image": rows, "label": np.arange(4000) % 2})
    path = tmp_path / "set.parquet"
    pq.write_table(content, path, dictionary_pagesize_limit=2**22, store_schema=False)
    assert path.stat().st_size < 3 * len(noise)
    before = pa.total_allocated_bytes()
    examples = open_examples(f"parquet:{path}")
    examples.read(np.array([0, 3999]), Geometry(8, 3))
    assert pa.total_allocated_bytes() - before < 8 * len(noise)


def test_more_rows_than_memory_can_hold_are_refused(tmp_path):
    """Ten million labels of one class take some kB of a file."""
    path, rows = tmp_path / "set.parquet", 10_000_001
    content = pa.table({"image": pa.nulls(rows, pa.binary()), "label": np.zeros(rows, np.int8)})
    pq.write_table(content, path, compression="zstd", row_group_size=rows)
    assert path.stat().st_size < 2**20
    with pytest.raises(DataError, match="at most 10,000,000 rows; got 10,000,001"):
        open_examples(f"parquet:{path}")
