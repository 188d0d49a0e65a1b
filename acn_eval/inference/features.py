"""Features of every depth, from one forward pass per example: what probes are fitted on."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from acn_eval.checkpoints import Checkpoint
from acn_eval.data import Examples
from acn_eval.errors import Unsupported
from acn_eval.inference.cache import OutcomeCache
from acn_eval.inference.finite import require_measured
from acn_eval.inference.memory import Batches
from acn_eval.inference.one_pass import (
    Chunk,
    Missing,
    Pair,
    Pass,
    chunks,
    decoded,
    facts,
    files,
    groups,
    inputs,
    is_file,
    tally,
)
from acn_eval.inference.precision import Numeric, running
from acn_eval.inference.runtime import Runtime
from acn_eval.models import Readings
from acn_eval.tally import Tally

__all__ = ["Depths", "extract", "feature_shape", "read_features"]

Tell = Callable[[int], None]
"""Called with the number of image-forwards that were done since the last call."""


@dataclass(frozen=True)
class Depths:
    """Features of the examples of one pass, in their order.

    Attributes:
        table: float32 (readings, exits, n, width); one reading where the network does not tell
            the two apart, else stream and block.
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
        msg = f"{checkpoint.id.name}: has no `readings`: what is before its head is not known"
        raise Unsupported(msg)
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


def extract(job: Pass, tell: Tell) -> list[list[Depths]]:
    """Return the features of every subject under every question, in the examples' order.

    Finished pieces are kept and found again, the same numbers to the last bit.

    Raises:
        MeasureError: features that are NaN or infinite; counts the images of every condition.
    """
    batches = job.runtime.batches()
    with tally(job) as counter:
        pieces = [_chunk(job, chunk, batches, (counter, tell)) for chunk in chunks(job)]
    found = [
        [
            Depths(np.concatenate([piece[s, q] for piece in pieces], axis=2))
            for q in range(len(job.questions))
        ]
        for s in range(len(job.subjects))
    ]
    for subject, row in zip(job.subjects, found, strict=True):
        bad = [np.asarray(~np.isfinite(d.table).all(axis=(0, 1, 3))) for d in row]
        require_measured(subject.checkpoint.id.name, job.questions, bad, "features", job.numeric)
    return found


def _chunk(
    job: Pass, examples: Examples, batches: Batches, told: tuple[Tally, Tell]
) -> dict[Pair, NDArray[np.float32]]:
    (counter, tell), store, n = told, job.runtime.store, len(examples)
    found: dict[Pair, NDArray[np.float32]] = {}
    missing: list[Missing] = []
    for pair in ((s, q) for s in range(len(job.subjects)) for q in range(len(job.questions))):
        key = OutcomeCache.key(["features v1", *facts(job, *pair, examples)])
        content = store.read(key) if is_file(job.subjects[pair[0]]) else None
        if content is None:
            missing.append(Missing(*pair, key))
        else:
            found[pair] = _decoded(content)
    counter.add(n * len(found))
    tell(n * len(found))
    if not missing:
        return found
    chunk = decoded(job, examples)
    for group in groups(job, n, missing):
        computed = batches.halving(partial(_computed, job, chunk, [one.pair for one in group]))
        for one in files(job, group):
            store.write(one.key, _encoded(computed[one.pair]))
            counter.kept += n
        found |= computed
        counter.add(n * len(group), kept=0)
        tell(n * len(group))
    return found


def _computed(
    job: Pass, chunk: Chunk, missing: list[Pair], size: int
) -> dict[Pair, NDArray[np.float32]]:
    parts: dict[Pair, list[NDArray[np.float32]]] = {pair: [] for pair in missing}
    for start in range(0, len(chunk.examples), size):
        for pair, batch in inputs(job, chunk, slice(start, start + size), missing):
            checkpoint = job.subjects[pair[0]].checkpoint
            parts[pair].append(read_features(checkpoint, batch, job.numeric).cpu().numpy())
    return {pair: np.concatenate(arrays, axis=2) for pair, arrays in parts.items()}


def _encoded(table: NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, table, allow_pickle=False)
    return buffer.getvalue()


def _decoded(content: bytes) -> NDArray[np.float32]:
    table: NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
    return table
