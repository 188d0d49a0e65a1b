"""How large images are, and whether they have color, before a network is chosen for them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from acn_eval.data.examples import Examples
from acn_eval.data.geometry import Geometry

__all__ = ["Sizes", "sizes_of"]


@dataclass(frozen=True)
class Sizes:
    """Of some images, as they are stored.

    Attributes:
        smallest, largest: (width, height) of the images with the fewest and the most pixels.
        short: median of their short sides, in pixels.
        gray: whether all of them have equal red, green and blue, or one channel.
    """

    smallest: tuple[int, int]
    largest: tuple[int, int]
    short: int
    gray: bool


def sizes_of(examples: Examples, sample: int = 200) -> Sizes:
    """Return the sizes of at most `sample` images, the first in the keyed order.

    Raises:
        DataError: there are none, or they are no images, or one is damaged.
    """
    few = examples.keyed(sample)
    found = few.read(np.arange(len(few)), _Measured(1, 3)).numpy()
    sides = found[np.argsort(found[:, 0] * found[:, 1], kind="stable"), :2]
    return Sizes(
        smallest=(int(sides[0, 1]), int(sides[0, 0])),
        largest=(int(sides[-1, 1]), int(sides[-1, 0])),
        short=int(np.median(sides.min(axis=1))),
        gray=bool(found[:, 2].all()),
    )


class _Measured(Geometry):
    """Reads height, width and whether it is gray in place of pixels."""

    def __call__(self, image: NDArray[np.uint8]) -> Tensor:
        height, width = image.shape[:2]
        return torch.tensor([height, width, bool((image == image[..., :1]).all())])

    def room(self, n: int) -> Tensor:
        return torch.empty(n, 3, dtype=torch.int64)

    def batch(self, images: NDArray[np.uint8]) -> Any:
        return self.stack(images)
