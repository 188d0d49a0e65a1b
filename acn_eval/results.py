"""The long table that every suite fills and everyone else reads: Cell, Skip, EvalResult."""

import hashlib
import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, make_dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import Field

from acn_eval import atomic, config_files
from acn_eval.config_files import JSON_BYTES, Natural, Record, Seed, cut, limited, parse_json
from acn_eval.errors import DataError
from acn_eval.foreign_text import file_name

__all__ = [
    "SCHEMA",
    "Cell",
    "CheckpointId",
    "DataId",
    "EvalResult",
    "Scalar",
    "Skip",
    "is_cells",
    "require_levels",
]

_FACTS = "result.json"  # it names the cells: writing it is what makes them the result
SCHEMA = 1
_CELLS = re.compile(r"cells(-[0-9a-f]{16})?\.parquet")
_CELLS_BYTES = 1 << 30
_ROWS = 1 << 20  # more of them must be worth their bytes: a few declare billions
_ROWS_PER_BYTE = 16  # a result of dead networks has 1
_STALE = 3600.0  # seconds after which nobody reads or writes cells that no result names
_COLUMNS = pa.schema(
    [
        ("cell", pa.int32()),
        ("id", pa.int64()),
        ("value", pa.float32()),
        ("predicted", pa.int32()),
        ("confidence", pa.float32()),
    ]
)
Scalar = str | int | float | bool


@dataclass(frozen=True)
class Cell:
    """What one checkpoint did to each example under one condition.

    Attributes:
        condition: flat mapping of scalars that names the condition, e.g.
            ``{"corruption": "gaussian", "level": 0.1, "space": "pixel"}``; the undisturbed
            images are ``{"corruption": "clean", "level": 0.0}``. ``repeat`` numbers draws,
            which are averaged within the image; ``exit`` is the number of executed blocks, or the
            name of a depth that was chosen on validation; ``per_class`` is the size of a training
            set.
        ids: int64 (n,), unique: the key by which two results are paired.
        values: float32 (n,), the measure per example (1 / 0 for ``correct``).
        measure: what the values are.
        primary: whether the cell counts in the primary end point of its suite.
        predicted: int32 (n,), predicted class of the data, or None.
        confidence: float32 (n,), softmax probability of the predicted class, or None.
    """

    condition: Mapping[str, Scalar]
    ids: NDArray[np.int64]
    values: NDArray[np.float32]
    measure: str = "correct"
    primary: bool = False
    predicted: NDArray[np.int32] | None = None
    confidence: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Skip(Record):
    """A condition that was not measured, and why: never silently absent."""

    condition: Mapping[str, Scalar]
    reason: str


@dataclass(frozen=True)
class CheckpointId(Record):
    """Which network was measured, and what a fair comparison has to know about it.

    Attributes:
        name: short name for tables, e.g. ``"ac_vit"``.
        uri: what was asked for.
        sha256: of the weight file.
        arch: the architecture, e.g. ``{"kind": "vit", "connectivity": "acn", "depth": 8}``.
        parameters: number of parameters.
        flops: of one forward pass of one image, by torch's counter (2 per multiply-add).
        preprocessing: size, channels, crop, interpolation, mean and std.
        training: recipe, data, seed, steps, examples, seconds; empty if unknown.
    """

    name: str
    uri: str
    sha256: str
    arch: Mapping[str, Any]
    parameters: Natural
    flops: Natural
    preprocessing: Mapping[str, Any]
    training: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DataId(Record):
    """Which examples were used; the fingerprint covers ids, labels and pixels."""

    name: str
    split: str
    n: Natural
    fingerprint: str
    classes: tuple[str, ...]


@dataclass(frozen=True)
class EvalResult:
    """One checkpoint through one suite: everything that later steps may read.

    Attributes:
        suite: the validated suite config as plain JSON; ``suite["name"]`` names it.
        noise_version: version of the noise contract.
        noise_digest: digest of the first corrupted images, equal where the pixels are equal.
        certificate: parity of the precision against fp32 (flips counted on a fixed subset).
        created_ms: time of the first creation, Unix milliseconds.
        warnings: what a reader must know about this result, in words.
        details: what is not per test image, as plain JSON: choices made on validation, costs,
            latency; their meaning belongs to the suite. ``limit`` is how many images were asked
            for, where that left some out.
    """

    checkpoint: CheckpointId
    data: DataId
    suite: Mapping[str, Any]
    seed: Seed
    precision: str
    device: str
    noise_version: int
    noise_digest: str
    certificate: Mapping[str, Any]
    versions: Mapping[str, str]
    cells: tuple[Cell, ...]
    skipped: tuple[Skip, ...]
    created_ms: Annotated[int, Field(ge=0, lt=2**53)]
    warnings: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    schema: int = SCHEMA

    @property
    def key(self) -> str:
        """Content address (16 hex digits) of the question: equal questions have equal keys."""
        facts = [
            self.checkpoint.sha256,
            self.checkpoint.arch,
            self.checkpoint.preprocessing,
            asdict(self.data),
            self.suite,
            self.seed,
            self.precision,
            self.device,
            self.noise_version,
            self.schema,
        ]
        text = json.dumps(facts, sort_keys=True, default=_plain)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def save(self, folder: Path) -> Path:
        """Write ``result.json`` and the cells that it names under a folder of its own; return it.

        A saved result with the same cells stays as it is, with its time of creation; one with
        other cells, or a damaged one, is replaced. Processes may save and load at once: a load
        sees the old or the new one, whole.

        Raises:
            OSError: the folder cannot be written.
        """
        names = (file_name(str(name)) for name in (self.suite["name"], self.checkpoint.name))
        target = folder / "-".join([*names, self.key])
        content = _encoded(_table(self.cells))
        digest = hashlib.sha256(content).hexdigest()
        if digest == _saved_digest(target):
            return target
        atomic.write(target / _cells_name(digest), content)
        facts = {**self.facts(), "cells_sha256": digest}
        atomic.write(target / _FACTS, json.dumps(facts, indent=1, default=_plain) + "\n")
        _sweep(target, digest)
        return target

    def facts(self) -> dict[str, Any]:
        """Everything but the per-example arrays, as plain JSON types."""
        facts = {k: v for k, v in vars(self).items() if k not in {"cells", "skipped"}}
        facts["checkpoint"] = asdict(self.checkpoint)
        facts["data"] = asdict(self.data)
        facts["skipped"] = [asdict(skip) for skip in self.skipped]
        facts["cells"] = [
            {"condition": dict(c.condition), "measure": c.measure, "primary": c.primary}
            for c in self.cells
        ]
        return facts

    @staticmethod
    def load(folder: Path) -> "EvalResult":
        """Read what `save` wrote.

        Raises:
            DataError: not a result, damaged, or written by another schema.
        """
        try:
            facts, content = _read(folder)
            table = _decoded(content)
        except (OSError, ValueError, pa.ArrowException) as exc:
            msg = f"{folder}: must be a folder with {_FACTS} and the cells that it names; {exc}"
            raise DataError(msg) from exc
        schema = facts.get("schema") if isinstance(facts, dict) else None
        if schema != SCHEMA:
            msg = f"{folder}: schema must be {SCHEMA}; got {schema}. Evaluate it again."
            raise DataError(msg)
        if facts.pop("cells_sha256", None) != hashlib.sha256(content).hexdigest():
            msg = f"{folder}: its cells must be those that {_FACTS} names; they were changed"
            raise DataError(msg)
        try:
            known = vars(config_files.recorded(facts, _Facts))
            _require_read(known)
            return EvalResult(**{**known, "cells": _cells(table, known["cells"])})
        except ValueError as exc:
            msg = f"{folder}: {_FACTS} and its cells must fit; {exc}"
            raise DataError(msg) from exc


def is_cells(name: str) -> bool:
    """Whether a file of a result's folder, by its name, holds cells."""
    return _CELLS.fullmatch(name) is not None


def _read(folder: Path) -> tuple[Any, bytes]:
    """Return the facts and the cells that they name, also while another result replaces them."""
    while True:
        text = limited(folder / _FACTS, JSON_BYTES)
        facts = parse_json(text)
        named = folder / _cells_name(facts.get("cells_sha256") if isinstance(facts, dict) else "")
        older = folder / "cells.parquet"  # of before the name told them apart
        try:
            cells = older if older.exists() and not named.exists() else named
            return facts, limited(cells, _CELLS_BYTES)
        except FileNotFoundError:
            if (folder / _FACTS).read_bytes() == text:
                raise


def _cells_name(digest: object) -> str:
    return f"cells-{str(digest)[:16]}.parquet"


def _saved_digest(folder: Path) -> str | None:
    """Return the sha256 of the cells that a folder holds; None if there is no whole result."""
    try:
        facts, content = _read(folder)
        held = hashlib.sha256(content).hexdigest()
        return held if facts.get("cells_sha256") == held else None
    except (OSError, ValueError, AttributeError):
        return None


def _sweep(folder: Path, digest: str) -> None:
    """Remove cells that no result names: of a result that was replaced, or of a killed save."""
    named = _cells_name(digest)
    for file in folder.iterdir():
        with suppress(OSError):
            old = file.stat().st_mtime < time.time() - _STALE
            if old and is_cells(file.name) and file.name != named:
                file.unlink()


def _encoded(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _plain(value: Any) -> Any:
    """JSON types of what json does not know: a read-only mapping, a tuple-like."""
    return dict(value) if isinstance(value, Mapping) else list(value)


@dataclass(frozen=True)
class _Head(Record):
    condition: Mapping[str, Scalar]
    measure: str
    primary: bool


_Facts: Any = make_dataclass(
    "_Facts",
    [
        *((f.name, f.type) for f in fields(EvalResult) if f.name != "cells"),
        ("cells", tuple[_Head, ...]),
    ],
    bases=(Record,),
)


def _require_read(known: Mapping[str, Any]) -> None:
    """Refuse what somebody reads and no type says: a name, counts, levels."""
    if not isinstance(known["suite"].get("name"), str):
        raise ValueError("suite.name must be text")
    counts = {k: v for k, v in known["certificate"].items() if k == "n" or k.endswith("_flips")}
    config_files.recorded(counts, Mapping[str, Natural])
    require_levels(named.condition for named in (*known["cells"], *known["skipped"]))


def require_levels(conditions: Iterable[Mapping[str, Scalar]]) -> None:
    """Refuse a level that is no number.

    Raises:
        ValueError: one is not.
    """
    for level in (condition.get("level", 0) for condition in conditions):
        if not isinstance(level, int | float):
            raise ValueError(f"level: must be a number; got {cut(level)}")


def _decoded(content: bytes) -> pa.Table:
    """Return the table of a parquet file, once its columns and its number of rows are sane."""
    file = pq.ParquetFile(pa.BufferReader(content))
    if not file.schema_arrow.equals(_COLUMNS):
        raise ValueError(f"columns must be {', '.join(_COLUMNS.names)}, each of its type")
    groups = (file.metadata.row_group(i).num_rows for i in range(file.num_row_groups))
    rows = max(file.metadata.num_rows, sum(groups))
    if rows > max(_ROWS, _ROWS_PER_BYTE * len(content)):
        raise ValueError(f"rows must be worth their bytes; got {rows:,} in {len(content):,}")
    return file.read()


def _table(cells: tuple[Cell, ...]) -> pa.Table:
    def column(name: str, dtype: pa.DataType) -> pa.Array:
        parts = []
        for cell in cells:
            part = getattr(cell, name)
            parts.append(
                pa.nulls(len(cell.ids), dtype) if part is None else pa.array(part, type=dtype)
            )
        return pa.chunked_array(parts, type=dtype)

    numbers = [np.full(len(cell.ids), i, dtype=np.int32) for i, cell in enumerate(cells)]
    return pa.table(
        {
            "cell": pa.chunked_array([pa.array(n) for n in numbers], type=pa.int32()),
            "id": column("ids", pa.int64()),
            "value": column("values", pa.float32()),
            "predicted": column("predicted", pa.int32()),
            "confidence": column("confidence", pa.float32()),
        },
        schema=_COLUMNS,
    )


def _cells(table: pa.Table, heads: Sequence[_Head]) -> tuple[Cell, ...]:
    columns = {name: table[name].combine_chunks() for name in table.column_names}
    owner = columns["cell"].to_numpy()
    if len(owner) and not (
        owner[0] >= 0 and (np.diff(owner) >= 0).all() and owner[-1] < len(heads)
    ):
        raise ValueError("rows must belong to the cells, in their order")
    starts = np.searchsorted(owner, np.arange(len(heads) + 1))

    def part(name: str, lo: int, hi: int) -> NDArray[Any] | None:
        piece = columns[name].slice(lo, hi - lo)
        return None if piece.null_count else piece.to_numpy(zero_copy_only=False)

    return tuple(
        Cell(
            condition=head.condition,
            ids=columns["id"].slice(lo, hi - lo).to_numpy(),
            values=columns["value"].slice(lo, hi - lo).to_numpy(),
            measure=head.measure,
            primary=head.primary,
            predicted=part("predicted", lo, hi),
            confidence=part("confidence", lo, hi),
        )
        for head, lo, hi in zip(heads, starts[:-1], starts[1:], strict=True)
    )
