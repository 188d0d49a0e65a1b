"""Results: what one checkpoint did under every condition of a suite, in memory and on disk."""

import hashlib
import json
import re
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, make_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow as pa
from pydantic import Field

from acn_eval import atomic, config_files
from acn_eval.cells import UNKNOWN, Cell, CellHead, Scalar, cells_of, encoded
from acn_eval.config_files import JSON_BYTES, Natural, Record, Seed, cut, limited, parse_json
from acn_eval.errors import DataError
from acn_eval.foreign_text import file_name
from acn_eval.views import Tabular

__all__ = [
    "CELLS_BYTES",
    "SCHEMA",
    "UNKNOWN",
    "Cell",
    "CheckpointId",
    "DataId",
    "EvalResult",
    "Scalar",
    "Skip",
    "connectivity_of",
    "is_cells",
    "require_levels",
]

_FACTS = "result.json"  # it names the cells: writing it is what makes them the result
SCHEMA = 2
_CELLS = re.compile(r"cells(-[0-9a-f]{16})?\.parquet")
CELLS_BYTES = 1 << 30
"""Bytes that the cells of a result may have, in their file."""
_STALE = 3600.0  # seconds after which cells that no result names are removed


@dataclass(frozen=True)
class Skip(Record):
    """A condition that was not measured, and why."""

    condition: Mapping[str, Scalar]
    reason: str


@dataclass(frozen=True)
class CheckpointId(Record):
    """Which network was measured, with the facts that a fair comparison needs.

    Attributes:
        name: short name for tables, e.g. ``"ac_vit"``.
        uri: address that was given.
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

    @property
    def cacheable(self) -> bool:
        """Whether the record decides the numbers, as it does not for a network in memory."""
        return not self.uri.startswith("memory:")

    @property
    def example(self) -> Literal["image", "example"]:
        """What an example is called where people read it: "image", which has a size, or so."""
        return "image" if "size" in self.preprocessing else "example"


def connectivity_of(arch: Mapping[str, Any]) -> str:
    """Return how an architecture is wired, by the name that people give it.

    The authors' Res-Mixer has no sum between blocks: it is an ffn whose blocks have skips.

    >>> connectivity_of({"kind": "official_mixer", "connectivity": "ffn", "skips": "both"})
    'residual'
    """
    mixer = {"kind": "official_mixer", "connectivity": "ffn"}
    if mixer.items() <= arch.items() and arch.get("skips") in ("both", True):  # a flag earlier
        return "residual"
    return str(arch.get("connectivity", "unknown"))


@dataclass(frozen=True)
class DataId(Record):
    """Which examples were used; the fingerprint covers ids, labels and pixels."""

    name: str
    split: str
    n: Natural
    fingerprint: str
    classes: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class EvalResult(Tabular):
    """One checkpoint on one suite.

    Attributes:
        suite: config as plain JSON; ``suite["name"]`` names it.
        seed: of the noise.
        precision: of the forward passes.
        device: type of the device.
        noise_version: version of the noise contract.
        noise_digest: digest of the first corrupted examples.
        certificate: parity of the precision with fp32 (flips counted on a fixed subset).
        created_ms: time of the first creation, Unix milliseconds.
        details: what is not per test example, as plain JSON: choices made on validation, costs,
            latency; the study defines them. ``limit`` is that of the selection, where it left
            some examples out.
        beside: text of further files by name, which are saved beside the result and not loaded.
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
    beside: Mapping[str, str] = field(default_factory=dict, compare=False)

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
            1,  # the schema that wrote the first results: their addresses stay
        ]
        text = json.dumps(facts, sort_keys=True, default=_plain)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def __repr__(self) -> str:
        """Return one line; `to_frame` has the numbers."""
        data = f"{self.data.name} {self.data.split}, n = {self.data.n:,}"
        return (
            f"EvalResult({self.checkpoint.name}, {self.suite.get('name')} on {data}, "
            f"{len(self.cells)} cells)"
        )

    def records(self) -> list[dict[str, Any]]:
        """Return one row per cell: its condition, the measure, n, and the mean value."""
        return [
            {
                **cell.condition,
                "measure": cell.measure,
                "primary": cell.primary,
                "n": len(cell.ids),
                "mean": float(cell.values.mean(dtype=float)),
            }
            for cell in self.cells
        ]

    def save(self, folder: Path) -> Path:
        """Write ``result.json`` and the cells that it names into a subfolder; return it.

        A saved result with the same cells stays, with its time of creation; only its warnings
        become those of this one. One with other cells, or a damaged one, is replaced. Processes
        may save and load at once: a load sees the old or the new one, whole.

        Raises:
            OSError: the folder cannot be written.
        """
        names = (file_name(str(name)) for name in (self.suite["name"], self.checkpoint.name))
        target = folder / "-".join([*names, self.key])
        for name, text in self.beside.items():
            atomic.write(target / name, text)
        content = encoded(self.cells)
        digest = hashlib.sha256(content).hexdigest()
        created, warnings = _saved(target, digest) or (self.created_ms, None)
        if warnings == [*self.warnings]:
            return target
        atomic.write(target / _cells_name(digest), content)
        facts = {**self.facts(), "created_ms": created, "cells_sha256": digest}
        plain = json.loads(json.dumps(facts, default=_plain))
        signed = {**plain, "sha256": _digest(plain)}
        atomic.write(target / _FACTS, json.dumps(signed, indent=1) + "\n")
        _sweep(target, digest)
        return target

    def facts(self) -> dict[str, Any]:
        """Everything but the per-example arrays, as plain JSON types."""
        facts = {k: v for k, v in vars(self).items() if k not in {"cells", "skipped", "beside"}}
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
        """Read what `save` wrote, now or by schema 1: labels are then those that outcomes show.

        Raises:
            DataError: not a result, damaged, edited, or written by another schema.
        """
        try:
            facts, content = _read(folder)
        except (OSError, ValueError) as exc:
            msg = f"{folder}: must be a folder with {_FACTS} and the cells that it names; {exc}"
            raise DataError(msg) from exc
        _require_untouched(folder, facts, content)
        try:
            known = vars(config_files.recorded(facts, _Facts))
            _require_read(known)
            cells = cells_of(content, known["cells"], facts["schema"])
        except (ValueError, OSError, pa.ArrowException) as exc:
            msg = f"{folder}: {_FACTS} and its cells must fit; {exc}"
            raise DataError(msg) from exc
        return EvalResult(**{**known, "cells": cells, "schema": SCHEMA})


def is_cells(name: str) -> bool:
    """Whether a file of a result's folder, by its name, holds cells."""
    return _CELLS.fullmatch(name) is not None


def _read(folder: Path) -> tuple[Any, bytes]:
    """Return facts and cells, also while another result replaces them."""
    while True:
        text = limited(folder / _FACTS, JSON_BYTES)
        facts = parse_json(text)
        named = folder / _cells_name(facts.get("cells_sha256") if isinstance(facts, dict) else "")
        older = folder / "cells.parquet"  # the name before there was a digest in it
        try:
            cells = older if older.exists() and not named.exists() else named
            return facts, limited(cells, CELLS_BYTES)
        except FileNotFoundError:
            if (folder / _FACTS).read_bytes() == text:
                raise


def _require_untouched(folder: Path, facts: Any, content: bytes) -> None:
    """Refuse another schema, and edited content; take the digests off the facts."""
    schema = facts.get("schema") if isinstance(facts, dict) else None
    if type(schema) is not int or schema not in (1, SCHEMA):
        msg = f"{folder}: schema must be {SCHEMA}, or 1; got {schema}. Evaluate it again."
        raise DataError(msg)
    if schema != 1 and facts.pop("sha256", None) != _digest(facts):
        msg = f"{folder}: {_FACTS} must be as it was written; it was edited. Evaluate it again."
        raise DataError(msg)
    if facts.pop("cells_sha256", None) != hashlib.sha256(content).hexdigest():
        msg = f"{folder}: its cells must be those that {_FACTS} names; they were changed"
        raise DataError(msg)


def _digest(facts: Mapping[str, Any]) -> str:
    text = json.dumps(facts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _cells_name(digest: object) -> str:
    return f"cells-{str(digest)[:16]}.parquet"


def _saved(folder: Path, digest: str) -> tuple[Any, Any] | None:
    """Return creation and warnings of a whole result with the same cells; None without one."""
    try:
        facts, content = _read(folder)
        _require_untouched(folder, facts, content)
    except (OSError, ValueError, DataError):
        return None
    same = facts["schema"] == SCHEMA and hashlib.sha256(content).hexdigest() == digest
    return (facts.get("created_ms"), facts.get("warnings")) if same else None


def _sweep(folder: Path, digest: str) -> None:
    """Remove the cells of a result that was replaced, or of a killed save."""
    named = _cells_name(digest)
    for file in folder.iterdir():
        with suppress(OSError):
            old = file.stat().st_mtime < time.time() - _STALE
            if old and is_cells(file.name) and file.name != named:
                file.unlink()


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else list(value)


_Facts: Any = make_dataclass(
    "_Facts",
    [
        *((f.name, f.type) for f in fields(EvalResult) if f.name not in {"cells", "beside"}),
        ("cells", tuple[CellHead, ...]),
    ],
    bases=(Record,),
)


def _require_read(known: Mapping[str, Any]) -> None:
    """Refuse a wrong name, counts or levels, which have no types of their own."""
    if not isinstance(known["suite"].get("name"), str):
        raise ValueError("suite.name must be text")
    counts = {k: v for k, v in known["certificate"].items() if k == "n" or k.endswith("_flips")}
    config_files.recorded(counts, Mapping[str, Natural])
    require_levels(named.condition for named in (*known["cells"], *known["skipped"]))


def require_levels(conditions: Iterable[Mapping[str, Scalar]]) -> None:
    """Raise ValueError for a level that is no number."""
    for level in (condition.get("level", 0) for condition in conditions):
        if not isinstance(level, int | float):
            raise ValueError(f"level: must be a number; got {cut(level)}")
