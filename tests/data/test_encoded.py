"""Encoded images stay what they were when they were first read, and few are in memory."""

import tracemalloc

import numpy as np
import pyarrow as pa
import pytest

from acn_eval.data import Geometry, open_examples
from acn_eval.errors import DataError, MeasureError
from tests.data.tables import (
    one,
    parquet,
    pixels,
    table,
)


@pytest.fixture(params=["parquet", "hfds"])
def kind(request):
    return request.param


def test_a_damaged_image_is_named_by_its_row(tmp_path, kind):
    content = table(pixels(3), [0, 1, 2])
    rows = content.column("image").to_pylist()
    rows[1]["bytes"] = rows[1]["bytes"][:50]
    examples = open_examples(one(kind, tmp_path, content.set_column(0, "image", [rows])))
    with pytest.raises(DataError, match=r"row 1: must be an image; .*truncated"):
        examples.read(np.arange(3), Geometry(8, 3))


def test_a_table_that_changes_is_not_shown(tmp_path):
    path = parquet(tmp_path / "set.parquet", table(pixels(3), [0, 1, 2]))
    examples = open_examples(f"parquet:{path}")
    assert len(examples.hashes) == 3
    examples.inputs.rows._kept.clear()
    parquet(path, table(pixels(3, seed=1), [0, 1, 2]))
    with pytest.raises(MeasureError, match="row 0: must stay as it is"):
        examples.read(np.arange(3), Geometry(8, 3))


def test_memory_is_flat(tmp_path, kind, monkeypatch):
    """Of 60 batches of images, a few are in memory at a time."""
    monkeypatch.setattr("acn_eval.data.parquet_rows._KEPT", 2**20)
    images = pixels(240, side=100)
    name = one(kind, tmp_path, table(images, np.arange(240) % 3))
    del images
    examples, before = open_examples(name), pa.total_allocated_bytes()
    tracemalloc.start()
    assert len(examples.hashes) == 240
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    held = pa.total_allocated_bytes() - before
    assert held + peak < 3 * 2**20  # all have 7 MB
