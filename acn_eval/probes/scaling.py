"""What is done to features before a probe reads them: nothing, standardising, or unit length."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Scale", "Scaling"]

Scale = Literal["none", "standardise", "l2"]


@dataclass(frozen=True)
class Scaling:
    """A scaling with the moments of the training features; ``l2`` needs none.

    Attributes:
        mean, std: float64 (width,); a feature that does not vary has std 1.
    """

    scale: Scale
    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    @staticmethod
    def of(scale: Scale, x: NDArray[np.float32]) -> "Scaling":
        """Take the moments (population) of training features (n, width)."""
        exact = x.astype(np.float64)
        std = exact.std(axis=0)
        return Scaling(scale, exact.mean(axis=0), np.where(std > 0, std, 1.0))

    def __call__(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Scale features (n, width)."""
        exact = x.astype(np.float64)
        if self.scale == "standardise":
            return (exact - self.mean) / self.std
        if self.scale == "l2":
            length = np.linalg.norm(exact, axis=1, keepdims=True)
            return exact / np.where(length > 0, length, 1.0)
        return exact
