"""From any uint8 image to the size, channels and normalization that a network reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from acn_eval.data.framing import Framing, check_pixels
from acn_eval.errors import DataError

__all__ = ["Geometry", "PrepareImages", "border_of", "unit_range"]

_OURS = {"crop_pct": 1.0, "crop_mode": "center", "interpolation": "bilinear of torch"}
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


def unit_range(pixels: Tensor) -> Tensor:
    """Map uint8 0 .. 255 to float32 in [0, 1]; corruptions act on that."""
    return pixels.to(torch.float32).div_(255)


@dataclass(frozen=True)
class Geometry:
    """Resize the short side to `size`, crop the center, map the channels; uint8 in and out.

    It runs on the CPU in uint8, so that every device and every model of one comparison sees the
    same pixels. Corruption comes after it, at the resolution that the model sees.

    Attributes:
        size: height and width in pixels.
        channels: 1 (luma, ITU-R BT.601) or 3 (gray is repeated).
        framing: how a foreign network's images come to size; None: as above, by torch.
    """

    modality: ClassVar[str] = "images"

    size: int
    channels: int
    framing: Framing | None = None

    @staticmethod
    def of(facts: Mapping[str, Any], size: int | None = None) -> "Geometry":
        """Return the geometry whose `facts` are in a record, at another size where given.

        Raises:
            DataError: they are of none.
        """
        size, channels = size or facts.get("size"), facts.get("channels")
        if not isinstance(size, int) or size < 1 or channels not in (1, 3):
            what = "preprocessing must have a size, and 1 or 3 channels"
            raise DataError(f"{what}; got {size!r:.20} and {channels!r:.20}")
        return Geometry(size, channels, Framing.of(facts))

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of one image."""
        return self.channels, self.size, self.size

    def upload(self, batch: Tensor, device: torch.device) -> Tensor:
        """Send uint8 to the device, four times less than floats, and make [0, 1] there."""
        if device.type == "cuda":
            batch = batch.pin_memory()
        return unit_range(batch.to(device, non_blocking=True))

    def facts(self) -> dict[str, Any]:
        """Plain types for the record."""
        framed = _OURS if self.framing is None else self.framing.facts()
        return {"size": self.size, "channels": self.channels, **framed}

    def __call__(self, image: NDArray[np.uint8]) -> Tensor:
        """Map (height, width, channels) to (channels, size, size)."""
        mapped = np.ascontiguousarray(self._map_channels(image))
        if self.framing is not None:
            return torch.from_numpy(self.framing(mapped, self.size)).permute(2, 0, 1)
        return self._crop(self._resize(torch.from_numpy(mapped).permute(2, 0, 1)))

    def batch(self, images: NDArray[np.uint8]) -> Tensor:
        """Map (n, height, width, channels) to (n, channels, size, size)."""
        ready = images.shape[1:] == (self.size, self.size, self.channels)
        if ready and self.framing is None:
            return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
        return self.stack(images)

    def stack(self, images: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]) -> Tensor:
        """Map n images, each of its own size, to (n, channels, size, size); n may be 0."""
        shown = self.room(len(images))
        for i, image in enumerate(images):
            shown[i] = self(image)
        return shown

    def room(self, n: int) -> Tensor:
        """Return uninitialized uint8 (n, channels, size, size)."""
        return torch.empty(n, *self.shape, dtype=torch.uint8)

    def _map_channels(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        have = image.shape[2]
        if have == self.channels:
            return image
        if self.channels == 3:
            return np.repeat(image, 3, axis=2)
        gray: NDArray[np.uint8] = np.rint(image @ _LUMA).astype(np.uint8)[..., None]
        return gray

    def _resize(self, image: Tensor) -> Tensor:
        height, width = image.shape[1:]
        short = min(height, width)
        if short == self.size:
            return image
        new = (round(height * self.size / short), round(width * self.size / short))
        check_pixels((height, width), new, self.size)
        scaled = interpolate(image[None], size=new, mode="bilinear", antialias=True)
        return scaled[0]

    def _crop(self, image: Tensor) -> Tensor:
        top = (image.shape[1] - self.size) // 2
        left = (image.shape[2] - self.size) // 2
        return image[:, top : top + self.size, left : left + self.size]


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
