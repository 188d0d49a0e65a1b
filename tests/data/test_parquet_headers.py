"""What parquet files say about themselves: as pyarrow wrote it, and limited before it reads it."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from acn_eval.data.parquet_headers import unpacked
from acn_eval.data.parquet_rows import ParquetRows
from acn_eval.errors import DataError
from tests.data.schemas import deep, integer, wide


def written(path, content, **options):
    pq.write_table(pa.table({"image": content}), path, **options)
    return pq.ParquetFile(path).metadata.row_group(0).column(0)


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
@pytest.mark.parametrize("dictionary", [False, True])
def test_pages_are_those_that_pyarrow_wrote(tmp_path, version, compression, dictionary):
    draw = np.random.default_rng(3)
    content = [draw.bytes(int(n)) + bytes(99) for n in draw.integers(0, 300, 5000)]
    chunk = written(
        tmp_path / "x",
        content,
        data_page_version=version,
        compression=compression,
        use_dictionary=dictionary,
        data_page_size=10_000,
    )
    headers = chunk.total_uncompressed_size - unpacked(tmp_path / "x", chunk)
    assert 0 < headers < 0.02 * chunk.total_uncompressed_size


def test_a_footer_that_states_too_small_a_column_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("acn_eval.data.parquet_rows._LARGEST_GROUP", 2**20)
    path = tmp_path / "x.parquet"
    options = {"compression": "zstd", "use_dictionary": False, "write_statistics": False}
    chunk = written(path, [bytes(2**20)] * 3, **options)
    said = integer(chunk.total_uncompressed_size)
    small = bytes([0x88] + [0x80] * (len(said) - 2) + [0])  # 4, in as many bytes
    whole = path.read_bytes()
    assert whole.count(said) == 2  # of the column and of its group
    path.write_bytes(whole.replace(said, small))
    assert pq.ParquetFile(path).metadata.row_group(0).column(0).total_uncompressed_size == 4
    with pytest.raises(DataError, match="row group 0 must take at most"):
        ParquetRows.of([path], "x").column(0, "image")


@pytest.mark.parametrize("content", [deep(1000), wide(1000), wide(9, b"a" * 8000)])
def test_a_schema_beyond_the_limits_is_refused(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(DataError, match="must have at most 1,000 columns with names of 65,536"):
        ParquetRows.of([tmp_path / "x"], "x")


@pytest.mark.parametrize("content", [deep(998), wide(999), wide(8, b"a" * 8000)])
def test_a_schema_within_the_limits_is_read(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    assert ParquetRows.of([tmp_path / "x"], "x").counts == ()


def test_a_footer_that_is_too_large_is_refused(tmp_path):
    content = wide(3, b"a" * 1_400_000)
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(DataError, match=r"footer must take at most 4,194,304.*fewer row groups"):
        ParquetRows.of([tmp_path / "x"], "x")
