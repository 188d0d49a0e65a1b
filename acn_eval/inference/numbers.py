"""Forward passes of networks that answer with a number, as units of work."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from acn_eval.inference.one_pass import ForwardUnit

__all__ = ["NumberUnit"]


@dataclass(frozen=True)
class NumberUnit(ForwardUnit):
    """What one network with one output answers, under one condition, on one chunk of examples."""

    kind: ClassVar[tuple[str, ...]] = ("numbers v1", *ForwardUnit.kind)
    what: ClassVar[str] = "numbers"
    record: ClassVar[np.dtype[Any]] = np.dtype([("id", np.int64), ("number", np.float32)])

    def answer(self, batch: Any, labels: Tensor) -> tuple[Tensor, ...]:
        """Return numbers (exits, n) of a prepared batch."""
        return (torch.stack([outputs[:, 0].float() for outputs in self.outputs(batch)]),)

    @classmethod
    def broken(cls, found: NDArray[Any]) -> NDArray[np.bool_]:
        """Return the examples (n,) that have NaN or infinity."""
        return np.asarray(~np.isfinite(found["number"]).all(axis=0))
