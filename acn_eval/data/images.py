"""Images in memory."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from acn_eval.data.examples import Examples
from acn_eval.data.geometry import Geometry
from acn_eval.inputs import InputSpec, content_hash

__all__ = ["ArrayImages", "decoded"]


@dataclass(frozen=True)
class ArrayImages:
    """Images in memory: uint8 (n, height, width, channels)."""

    modality: ClassVar[str] = Geometry.modality

    images: NDArray[np.uint8]

    def read(self, positions: NDArray[np.int64], spec: Geometry) -> Tensor:
        """Return uint8 (n, channels, size, size)."""
        return spec.batch(self.images[positions])

    def hashes(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return one 63-bit hash (n,) of each image's pixels."""
        return np.array([content_hash(self.images[i].tobytes()) for i in positions], np.int64)

    def part(self, positions: NDArray[np.int64]) -> "ArrayImages":
        """Return the images at these positions alone."""
        return ArrayImages(np.ascontiguousarray(self.images[positions]))

    def shape(self) -> tuple[int, int, int]:
        """Return (channels, height, width)."""
        height, width, channels = self.images.shape[1:]
        return channels, height, width


def decoded(examples: Examples, spec: InputSpec[Any]) -> Examples:
    """Return the same images in memory, read once for many epochs; sentences are there already."""
    if not isinstance(spec, Geometry):
        return examples
    images = examples.read(np.arange(len(examples)), spec).permute(0, 2, 3, 1)
    inputs = ArrayImages(images.contiguous().numpy())
    return replace(examples, inputs=inputs, positions=np.arange(len(examples)))
