"""Features of every depth, from one forward pass per example: what probes are fitted on."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from acn_eval.checkpoints.checkpoint import Checkpoint
from acn_eval.errors import Unsupported
from acn_eval.inference.one_pass import ForwardUnit
from acn_eval.inference.precision import Numeric, running
from acn_eval.inference.runtime import Runtime
from acn_eval.models import Readings

__all__ = ["Depths", "FeatureUnit", "feature_widths", "read_features"]


@dataclass(frozen=True)
class Depths:
    """Features of the examples of one pass, in their order.

    Attributes:
        table: (readings, n), a field of float32 (width,) per depth; the readings are stream and
            block, or one where the network does not distinguish them.
    """

    table: NDArray[np.void]

    @property
    def widths(self) -> tuple[int, ...]:
        """Width of the features of every depth."""
        kind = self.table.dtype
        return tuple(kind[name].shape[0] for name in kind.names or ())

    def of(self, reading: str, depth: int) -> NDArray[np.float32]:
        """Return the features (n, width) of a depth; `reading` is ``stream`` or ``block``."""
        names = self.table.dtype.names or ()
        row = self.table[0 if reading == "stream" else -1]
        return np.ascontiguousarray(row[names[depth]])


def read_features(checkpoint: Checkpoint, batch: Any, numeric: Numeric) -> tuple[Tensor, ...]:
    """Return features float32 (readings, n, width) of every depth of a prepared batch.

    Raises:
        Unsupported: the network does not say what it has before its head.
    """
    readings = getattr(checkpoint.model, "readings", None)
    if readings is None:
        what = "has no `readings`: what is before its head is not known"
        raise Unsupported(f"{checkpoint.id.name}: {what}")
    with running(numeric, batch.device):
        found: list[Readings] = readings(batch)
    if all(reading.block is reading.stream for reading in found):
        return tuple(reading.stream[None].float() for reading in found)
    return tuple(torch.stack(reading).float() for reading in found)


def feature_widths(checkpoint: Checkpoint, runtime: Runtime) -> tuple[int, ...]:
    """Return the width of a network's features at every depth.

    Raises:
        Unsupported: it has none, or they are not (n, width).
    """
    found = read_features(checkpoint, checkpoint.prepare.blank(1).to(runtime.device), "fp32")
    for part in found:
        if part.dim() != 3:
            got = tuple(part.shape[1:])
            raise Unsupported(f"{checkpoint.id.name}: features must be (n, width); got {got}")
    return tuple(part.shape[2] for part in found)


@dataclass(frozen=True)
class FeatureUnit(ForwardUnit):
    """What one network has before its head, under one condition, on one chunk of examples."""

    kind: ClassVar[tuple[str, ...]] = ("features v2", *ForwardUnit.kind)
    what: ClassVar[str] = "features"

    def answer(self, batch: Any, labels: Tensor) -> tuple[Tensor, ...]:
        """Return features (readings, n, width) of every depth of a prepared batch."""
        found = read_features(self.subject.checkpoint, batch, self.profile.precision)
        return tuple(part.cpu() for part in found)

    def packed(self, parts: Sequence[Tensor]) -> bytes:
        """Return features of all examples of the chunk as bytes."""
        kinds = [(str(k), np.float32, (part.shape[2],)) for k, part in enumerate(parts)]
        table = np.empty(tuple(parts[0].shape[:2]), kinds)
        for (name, *_), part in zip(kinds, parts, strict=True):
            table[name] = part.numpy()
        buffer = io.BytesIO()
        np.save(buffer, table, allow_pickle=False)
        return buffer.getvalue()

    @classmethod
    def unpacked(cls, content: bytes, n: int) -> NDArray[Any]:
        """Read what `packed` returned: the table of `Depths`."""
        table: NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
        return table

    @classmethod
    def broken(cls, found: NDArray[Any]) -> NDArray[np.bool_]:
        """Return the examples (n,) that have NaN or infinity."""
        bad = [~np.isfinite(found[name]).all(axis=(0, 2)) for name in found.dtype.names or ()]
        return np.asarray(np.any(bad, axis=0))
