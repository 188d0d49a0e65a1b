"""PrepareImages: from an image, corrupted or not, to the input of a network."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from acn_eval.data.geometry import Geometry

__all__ = ["PrepareImages", "border_of"]


@dataclass(frozen=True)
class PrepareImages:
    """Resize where the suite shows another size, then normalize.

    Attributes:
        spec: resize, crop and channels, in uint8.
        mean, std: per channel, in units of [0, 1].
    """

    spec: Geometry
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, shown: Tensor, /) -> Tensor:
        """Map float32 (n, channels, side, side) in [0, 1] to (n, channels, size, size)."""
        size = self.spec.size
        if shown.shape[-1] != size:
            shown = interpolate(shown, size=(size, size), mode="bilinear", antialias=True)
        return self.normalize(shown)

    def normalize(self, images: Tensor) -> Tensor:
        """Map float32 (n, channels, size, size) in [0, 1] to the input of the network."""
        mean = torch.tensor(self.mean, device=images.device).view(-1, 1, 1)
        std = torch.tensor(self.std, device=images.device).view(-1, 1, 1)
        return (images - mean) / std

    def blank(self, n: int) -> Tensor:
        """Return zeros (n, channels, size, size)."""
        return torch.zeros(n, *self.spec.shape)

    def facts(self) -> dict[str, Any]:
        """Plain types for the record."""
        return {**self.spec.facts(), "mean": list(self.mean), "std": list(self.std)}


def border_of(mean: tuple[float, ...]) -> tuple[int, ...]:
    """Return the color that timm pads with: the mean, 0 to 255 per channel."""
    return tuple(min(max(round(255 * value), 0), 255) for value in mean)
