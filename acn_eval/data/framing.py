"""Framing: from an image to a square as timm does it, by Pillow, pixel for pixel."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from acn_eval.data.decoding import MOST_PIXELS
from acn_eval.errors import DataError

__all__ = ["CropMode", "Framing", "Interpolation", "check_pixels"]

CropMode = Literal["center", "squash", "border"]
Rounding = Literal["nearest", "down"]
Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"]


@dataclass(frozen=True)
class Framing:
    """Resize with Pillow, crop the center, pad what is missing.

    Source: timm's ``transforms_imagenet_eval`` and torchvision's ``Resize`` and ``CenterCrop``.

    Attributes:
        crop_pct: share of the resized side that the crop keeps; above 1 pads.
        crop_mode: ``center`` resizes the short side, ``squash`` both, ``border`` the long one.
        interpolation: Pillow's filter.
        fill: of what ``border`` pads, per channel, 0 to 255; the other modes pad black.
        rounding: of the half pixel of a crop with an odd margin: to the ``nearest`` even one, as
            timm and torchvision do, or ``down``, as transformers do.
    """

    crop_pct: float = 1.0
    crop_mode: CropMode = "center"
    interpolation: Interpolation = "bilinear"
    fill: tuple[int, ...] = ()
    rounding: Rounding = "nearest"

    @staticmethod
    def cropping(
        short: int,
        size: int,
        interpolation: Interpolation,
        crop_mode: CropMode = "center",
        rounding: Rounding = "nearest",
    ) -> "Framing":
        """Return the framing that resizes to `short` and crops `size` from it."""
        share = size / short
        if math.floor(size / share) < short:  # by a bit of floating point
            share = math.nextafter(share, 0)
        return Framing(share, crop_mode, interpolation, rounding=rounding)

    @staticmethod
    def of(facts: Mapping[str, Any]) -> "Framing | None":
        """Return the framing whose `facts` are in a record; None where Pillow had no part."""
        interpolation, _, by = str(facts.get("interpolation", "")).partition(" of ")
        if by != "Pillow":
            return None
        fill = tuple(facts.get("fill", ()))
        rounding = facts.get("rounding", "nearest")
        return Framing(facts["crop_pct"], facts["crop_mode"], interpolation, fill, rounding)  # type: ignore[arg-type]

    def resized(self, height: int, width: int, size: int) -> tuple[int, int]:
        """Return height and width before the crop to `size`."""
        scale = math.floor(size / self.crop_pct)
        if self.crop_mode == "squash":
            return scale, scale
        if self.crop_mode == "border":
            ratio = max(height, width) / scale
            return max(1, round(height / ratio)), max(1, round(width / ratio))
        longest = int(scale * max(height, width) / min(height, width))
        return (scale, longest) if height <= width else (longest, scale)

    def __call__(self, image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
        """Map (height, width, channels) to (size, size, channels)."""
        have = image.shape[0], image.shape[1]
        height, width = self.resized(*have, size)
        check_pixels(have, (height, width), size)
        unscaled = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
        scaled = unscaled.resize((width, height), Image.Resampling[self.interpolation.upper()])
        fill = self.fill if self.crop_mode == "border" else ()
        pixels = np.asarray(scaled).reshape(height, width, -1)
        return _center(pixels, size, fill, math.floor if self.rounding == "down" else round)

    def facts(self) -> dict[str, Any]:
        """Plain types for the record."""
        facts = {"crop_pct": self.crop_pct, "crop_mode": self.crop_mode}
        filled = {"fill": list(self.fill)} if self.crop_mode == "border" else {}
        rounded = {"rounding": self.rounding} if self.rounding != "nearest" else {}
        return {**facts, "interpolation": f"{self.interpolation} of Pillow", **filled, **rounded}


def check_pixels(have: tuple[int, int], new: tuple[int, int], size: int) -> None:
    """Refuse to resize an image (height, width) to a shape with too many pixels.

    Raises:
        DataError: the new shape exceeds `MOST_PIXELS`.
    """
    if new[0] * new[1] > MOST_PIXELS:
        what = f"an image of {have[0]} x {have[1]} must have at most {MOST_PIXELS} pixels"
        raise DataError(f"{what} when it is resized for {size}; got {new}")


def _center(
    image: NDArray[np.uint8], size: int, fill: Sequence[int], rounded: Callable[[float], int]
) -> NDArray[np.uint8]:
    height, width, channels = image.shape
    canvas = np.empty((max(height, size), max(width, size), channels), np.uint8)
    canvas[:] = fill or 0
    top, left = max(size - height, 0) // 2, max(size - width, 0) // 2
    canvas[top : top + height, left : left + width] = image
    top, left = (rounded((side - size) / 2) for side in canvas.shape[:2])
    return canvas[top : top + size, left : left + size]
