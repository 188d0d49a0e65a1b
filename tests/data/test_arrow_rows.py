"""Streams of Arrow: mapped into memory, and refused where they would be unpacked."""

import numpy as np
import pyarrow as pa

from tests.data.sources import refusal
from tests.data.tables import (
    arrow,
    pixels,
    table,
)


def test_batches_that_would_be_unpacked_are_refused(tmp_path):
    """A compressed batch states its size itself, and may be a bomb."""
    content = table(np.zeros((4, 64, 64, 3), np.uint8), [0, 1, 2, 0])
    for compression in ("zstd", "lz4"):
        arrow(tmp_path / "x.arrow", content, compression=compression)
        assert "must be plain: not compressed" in refusal(f"hfds:{tmp_path}")
    coded = table(pixels(2), pa.array(["a", "b"]).dictionary_encode(), {})
    arrow(tmp_path / "x.arrow", coded)
    assert "without dictionaries" in refusal(f"hfds:{tmp_path}")
