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

__all__ = ["Depths", "FeatureUnit", "feature_shape", "read_features"]


@dataclass(frozen=True)
class Depths:
    """Features of the examples of one pass, in their order.

    Attributes:
        table: float32 (readings, exits, n, width); the readings are stream and block, or one
            where the network does not distinguish them.
    """

    table: NDArray[np.float32]

    def of(self, reading: str, exit_: int) -> NDArray[np.float32]:
        """Return the features (n, width) of a depth; `reading` is ``stream`` or ``block``."""
        features: NDArray[np.float32] = self.table[0 if reading == "stream" else -1, exit_]
        return features


def read_features(checkpoint: Checkpoint, batch: Any, numeric: Numeric) -> Tensor:
    """Return features float32 (readings, exits, n, width) of a prepared batch.

    Raises:
        Unsupported: the network does not say what it has before its head.
    """
    readings = getattr(checkpoint.model, "readings", None)
    if readings is None:
        what = "has no `readings`: what is before its head is not known"
        raise Unsupported(f"{checkpoint.id.name}: {what}")
    with running(numeric, batch.device):
        found: list[Readings] = readings(batch)
    kinds = [[reading.stream for reading in found]]
    if any(reading.block is not reading.stream for reading in found):
        kinds.append([reading.block for reading in found])
    return torch.stack([torch.stack(kind) for kind in kinds]).float()


def feature_shape(checkpoint: Checkpoint, runtime: Runtime) -> tuple[int, int]:
    """Return the number of exits and the width of a network's features.

    Raises:
        Unsupported: it has none, or they are not (n, width).
    """
    found = read_features(checkpoint, checkpoint.prepare.blank(1).to(runtime.device), "fp32")
    if found.dim() != 4:
        msg = f"{checkpoint.id.name}: features must be (n, width); got {tuple(found.shape[2:])}"
        raise Unsupported(msg)
    return found.shape[1], found.shape[3]


@dataclass(frozen=True)
class FeatureUnit(ForwardUnit):
    """What one network has before its head, under one condition, on one chunk of examples."""

    kind: ClassVar[tuple[str, ...]] = ("features v1", *ForwardUnit.kind)
    what: ClassVar[str] = "features"
    axis: ClassVar[int] = 2

    def answer(self, batch: Any, labels: Tensor) -> tuple[Tensor, ...]:
        """Return features (readings, exits, n, width) of a prepared batch."""
        return (read_features(self.subject.checkpoint, batch, self.profile.precision).cpu(),)

    def packed(self, parts: Sequence[Tensor]) -> bytes:
        """Return features of all examples of the chunk as bytes."""
        buffer = io.BytesIO()
        np.save(buffer, parts[0].numpy(), allow_pickle=False)
        return buffer.getvalue()

    @classmethod
    def unpacked(cls, content: bytes, n: int) -> NDArray[Any]:
        """Read what `packed` returned: float32 (readings, exits, n, width)."""
        table: NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
        return table

    @classmethod
    def broken(cls, found: NDArray[Any]) -> NDArray[np.bool_]:
        """Return the examples (n,) that have NaN or infinity."""
        return np.asarray(~np.isfinite(found).all(axis=(0, 1, 3)))
