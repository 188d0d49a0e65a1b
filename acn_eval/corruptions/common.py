"""Common corruptions at five severities, computed by kornia on the device of the images.

Beyond the noise of the paper: blur, light, color, compression. The severities of ImageNet-C
were made for images of 224 pixels; these are NOT ImageNet-C's and its published errors are not
comparable. Lengths are in 32nds of the shorter side, so that a severity hides the same share of
an image at any resolution. Unlike noise, these convolve and transform on the device: CPU and
GPU agree to rounding, not to the bit. kornia is imported where it is called, because it imports
all of itself.
"""

from abc import abstractmethod
from collections.abc import Sequence
from math import ceil
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from acn_eval.corruptions.base import Context, ImageCorruption, NoiseKey
from acn_eval.corruptions.philox import uniform16

__all__ = [
    "SEVERITIES",
    "Brightness",
    "Common",
    "Contrast",
    "DefocusBlur",
    "GaussianBlur",
    "Jpeg",
    "MotionBlur",
    "Pixelate",
    "Posterize",
    "Saturation",
    "Severity",
]

SEVERITIES: dict[str, tuple[float, float, float, float, float]] = {
    "gaussian_blur": (0.75, 1.0, 1.5, 2.0, 3.0),  # sigma, 32nds of the side
    "defocus_blur": (1.0, 1.5, 2.0, 3.0, 4.0),  # radius of the disk, 32nds of the side
    "motion_blur": (3.0, 5.0, 7.0, 9.0, 12.0),  # length of the stroke, 32nds of the side
    "brightness": (0.1, 0.2, 0.3, 0.4, 0.5),  # added
    "contrast": (0.75, 0.5, 0.4, 0.3, 0.15),  # factor of the distance to the mean gray
    "saturation": (0.7, 0.5, 0.3, 0.15, 0.0),  # factor of the distance to gray
    "jpeg": (80, 60, 40, 20, 10),  # quality
    "posterize": (5, 4, 3, 2, 1),  # bits kept per channel
    "pixelate": (0.8, 0.65, 0.5, 0.35, 0.25),  # share of the side kept
}
"""Parameter of each corruption at severities 1 to 5."""

Severity = Annotated[int, Field(ge=1, le=5)]


class Common(ImageCorruption, frozen=True):
    """A corruption whose levels are severities, 1 to 5; a subclass writes `_apply`."""

    levels: Annotated[tuple[Severity, ...], Field(max_length=5)] = (1, 2, 3, 4, 5)

    def corrupt(
        self, images: Tensor, draw: Tensor | None, level: float, context: Context
    ) -> Tensor:
        """Apply the parameter of the severity, and clamp to [0, 1]."""
        strength = SEVERITIES[self.kind][int(level) - 1]
        return self._apply(images, draw, strength).clamp(0, 1)

    @abstractmethod
    def _apply(self, images: Tensor, draw: Tensor | None, strength: float) -> Tensor:
        """Return changed images; ``strength`` is the entry of `SEVERITIES`."""


class GaussianBlur(Common, frozen=True):
    """Blur with a Gaussian of std ``strength`` 32nds of the side, cut off at three sigma."""

    kind: Literal["gaussian_blur"] = "gaussian_blur"

    def _apply(self, images: Tensor, draw: Tensor | None, strength: float) -> Tensor:
        from kornia.filters import gaussian_blur2d

        sigma = _pixels(strength, images)
        size = 2 * ceil(3 * sigma) + 1
        return torch.as_tensor(gaussian_blur2d(images, (size, size), (sigma, sigma), "replicate"))


class DefocusBlur(Common, frozen=True):
    """Blur with a disk of radius ``strength`` 32nds of the side, as a lens out of focus does.

    The rim of the disk is one pixel soft.
    """

    kind: Literal["defocus_blur"] = "defocus_blur"

    def _apply(self, images: Tensor, draw: Tensor | None, strength: float) -> Tensor:
        radius = _pixels(strength, images)
        y, x = _grid(radius + 1, images)
        return _filter(images, (radius + 1 - torch.hypot(x, y)).clamp(0, 1)[None])


class MotionBlur(Common, frozen=True):
    """Blur along a stroke of ``strength`` 32nds of the side, each image at an angle of its own.

    The stroke is one pixel soft: a ramp of the distance to a segment.
    """

    stream: ClassVar[str] = "motion_blur"
    kind: Literal["motion_blur"] = "motion_blur"

    def _draw(self, shape: Sequence[int], ids: Tensor, key: NoiseKey) -> Tensor:
        """Draw one angle per image: radians (B,) in [0, pi), the same at every severity."""
        return uniform16(ids, 1, key.words(self.stream))[:, 0] * (torch.pi / 65536)

    def _apply(self, images: Tensor, draw: Tensor | None, strength: float) -> Tensor:
        assert draw is not None
        half = _pixels(strength, images) / 2
        y, x = _grid(half + 1, images)
        cos, sin = draw.cos()[:, None, None], draw.sin()[:, None, None]
        along, across = x * cos + y * sin, y * cos - x * sin
        distance = torch.hypot((along.abs() - half).clamp(min=0), across)
        return _filter(images, (1 - distance).clamp(0, 1))


class Brightness(Common, frozen=True):
    """Add ``strength`` to every pixel."""

    kind: Literal["brightness"] = "brightness"

    def _apply(self, images: Tensor, draw: Tensor | None, strength: float) -> Tensor:
        from kornia.enhance import adjust_brightness

        return torch.as_tensor(adjust_brightness(images, strength))


class Contrast(Common, frozen=True):
    """Shrink the distance of every pixel to the mean gray of its image by ``strength``."""

    kind: Literal["contrast"] = "contrast"

    def _apply(self, images: Tensor, draw: Tensor | None, strength: float) -> Tensor:
        from kornia.enhance import adjust_contrast_with_mean_subtraction

        return torch.as_tensor(adjust_contrast_with_mean_subtraction(images, strength))


class Saturation(Common, frozen=True):
    """Shrink the distance of every pixel to its gray by ``strength``; needs color."""

    channels: ClassVar[frozenset[int] | None] = frozenset({3})
    kind: Literal["saturation"] = "saturation"

    def _apply(self, images: Tensor, draw: Tensor | None, strength: float) -> Tensor:
        from kornia.enhance import adjust_saturation_with_gray_subtraction

        return torch.as_tensor(adjust_saturation_with_gray_subtraction(images, strength))


class Jpeg(Common, frozen=True):
    """Compress as JPEG with quality ``strength``; needs color.

    kornia's codec rounds smoothly where JPEG rounds to integers, so pixels differ slightly from
    a file's.
    """

    channels: ClassVar[frozenset[int] | None] = frozenset({3})
    kind: Literal["jpeg"] = "jpeg"

    def _apply(self, images: Tensor, draw: Tensor | None, strength: float) -> Tensor:
        from kornia.enhance import jpeg_codec_differentiable

        quality = torch.tensor([float(strength)], device=images.device)
        return torch.as_tensor(jpeg_codec_differentiable(images, quality))


class Posterize(Common, frozen=True):
    """Keep the ``strength`` high bits of the eight of every channel."""

    kind: Literal["posterize"] = "posterize"

    def _apply(self, images: Tensor, draw: Tensor | None, strength: float) -> Tensor:
        from kornia.enhance import posterize

        return torch.as_tensor(posterize(images, int(strength)))


class Pixelate(Common, frozen=True):
    """Shrink to the share ``strength`` of each side and enlarge again in blocks.

    A pixel on the edge of blocks mixes them by their shares of it.
    """

    kind: Literal["pixelate"] = "pixelate"

    def _apply(self, images: Tensor, draw: Tensor | None, strength: float) -> Tensor:
        rows, columns = (_blocks(side, strength, images.device) for side in images.shape[-2:])
        return rows @ images @ columns


def _blocks(side: int, share: float, device: torch.device) -> Tensor:
    """Return the projection (side, side) onto functions constant on equal blocks of a side."""
    count = max(1, round(side * share))
    left = torch.arange(side, device=device)
    start = torch.arange(count, device=device)[:, None] * (side / count)
    overlap = torch.minimum(left + 1, start + side / count) - torch.maximum(left, start)
    overlap = overlap.clamp(min=0)
    return overlap.T @ overlap * (count / side)


def _pixels(strength: float, images: Tensor) -> float:
    return strength * min(images.shape[-2:]) / 32


def _grid(reach: float, images: Tensor) -> tuple[Tensor, Tensor]:
    """Offsets (y, x) of the pixels of a kernel that reaches so far from its center: (K, K)."""
    steps = torch.arange(-ceil(reach), ceil(reach) + 1, device=images.device, dtype=torch.float32)
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    return y, x


def _filter(images: Tensor, kernels: Tensor) -> Tensor:
    """Convolve with one kernel (1, K, K), or one per image (B, K, K), scaled to sum to one."""
    from kornia.filters import filter2d

    return torch.as_tensor(filter2d(images, kernels, border_type="replicate", normalized=True))
