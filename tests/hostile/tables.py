"""Hostile tables: what lies where a file of parquet or of Arrow should be."""

import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tests.data.schemas import deep, wide
from tests.data.tables import arrow, parquet, table

__all__ = ["TABLES", "one_table", "whole_tables"]


def whole_tables(gray: Any, labels: Any) -> dict[str, bytes]:
    """The bytes of a table of images, by the kind of its file."""
    content = table(np.stack([gray] * 3, -1), labels % 3)
    with tempfile.TemporaryDirectory() as folder:
        kinds = {"parquet": parquet, "arrow": arrow}
        return {k: write(Path(folder, k), content).read_bytes() for k, write in kinds.items()}


def one_table(kind: str, content: bytes, folder: Path) -> str:
    (folder / "set").mkdir()
    (folder / "set" / f"x.{kind}").write_bytes(content)
    return f"{'hfds' if kind == 'arrow' else kind}:{folder / 'set'}"


def _only(scheme: str, kind: str, folder: Path) -> str:
    name = "x.arrow" if scheme == "hfds" else "x.parquet"
    file = folder / "set" / name
    file.parent.mkdir()
    if kind == "a pipe":
        os.mkfifo(file)
    elif kind in {"a device", "a link"}:
        file.symlink_to("/dev/zero" if kind == "a device" else "nowhere")
    elif kind == "a folder":
        file.mkdir()
    else:
        file.write_bytes(bytes(10**6 * (kind == "zeros")))
        os.truncate(file, 2**40 if kind == "endless" else file.stat().st_size)
    return f"{scheme}:{folder / 'set'}"


TABLES: dict[str, Callable[[Path], str]] = {
    f"{scheme} that is {kind}": partial(_only, scheme, kind)
    for scheme in ("parquet", "hfds")
    for kind in ("empty", "zeros", "endless", "a pipe", "a device", "a link", "a folder")
} | {
    "parquet of 20,000 groups in each other": lambda folder: one_table(
        "parquet", deep(20_000), folder
    ),
    "parquet of 20,000 columns": lambda folder: one_table("parquet", wide(20_000), folder),
    "parquet of long names": lambda folder: one_table("parquet", wide(400, b"a" * 10_000), folder),
}
