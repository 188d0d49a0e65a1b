"""What a solver returns: one linear map per penalty, and whether it was reached."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Solution"]


class Solution(NamedTuple):
    """A linear map at one penalty.

    Attributes:
        weights: float64 (classes, width).
        bias: float64 (classes,).
        converged: whether the solver reached its tolerance.
    """

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    converged: bool = True
