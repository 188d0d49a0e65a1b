"""What Hugging Face says about columns is believed where it can be read."""

import json

import pyarrow as pa
import pytest

from acn_eval.data.parquet_rows import ParquetRows
from acn_eval.data.rows import Rows
from acn_eval.errors import DataError
from tests.data.tables import parquet, pixels, table


def rows(folder, said: bytes) -> Rows:
    content = table(pixels(2), [0, 1]).replace_schema_metadata({"huggingface": said})
    return ParquetRows.of([parquet(folder / "x.parquet", content)], "parquet:x")


def test_columns_are_called_by_their_types(tmp_path):
    said = {"info": {"features": {"a": {"_type": "Image"}, "b": 3, "c": {"_type": "ClassLabel"}}}}
    found = rows(tmp_path, json.dumps(said).encode())
    assert (found.of_type("Image"), found.of_type("ClassLabel")) == (["a"], ["c"])
    assert found.described() == "'image' (struct<bytes: binary, path: string>), 'label' (int64)"


@pytest.mark.parametrize("said", [b"{", b"[]", b'{"info": 3}', b"\xff", b"[" * 10**5])
def test_features_that_are_none(tmp_path, said):
    with pytest.raises(DataError, match="parquet:x: its features must be JSON"):
        rows(tmp_path, said).of_type("Image")


def test_features_of_another_kind_are_ignored(tmp_path):
    assert rows(tmp_path, b'{"info": {"features": [1]}}').of_type("Image") == []


def test_many_columns_are_named_in_one_line(tmp_path):
    content = pa.table({f"{i}" * 100: [i] for i in range(50)})
    found = ParquetRows.of([parquet(tmp_path / "x.parquet", content)], "parquet:x").described()
    assert len(found) < 600
    assert found.endswith(", ...")
