"""Corruptions, on the device of the examples and keyed by their ids: one explicit table."""

from typing import Annotated

from pydantic import Field

from acn_eval.corruptions.base import (
    NOISE_VERSION,
    Context,
    Corruption,
    ImageCorruption,
    NoiseKey,
    noise_digest,
)
from acn_eval.corruptions.common import (
    Brightness,
    Contrast,
    DefocusBlur,
    GaussianBlur,
    Jpeg,
    MotionBlur,
    Pixelate,
    Posterize,
    Saturation,
)
from acn_eval.corruptions.noise import Gaussian, SaltPepper

__all__ = [
    "NOISE_VERSION",
    "AnyCorruption",
    "Brightness",
    "Context",
    "Contrast",
    "Corruption",
    "DefocusBlur",
    "Gaussian",
    "GaussianBlur",
    "ImageCorruption",
    "Jpeg",
    "MotionBlur",
    "NoiseKey",
    "Pixelate",
    "Posterize",
    "SaltPepper",
    "Saturation",
    "noise_digest",
]

AnyCorruption = Annotated[
    Gaussian
    | SaltPepper
    | GaussianBlur
    | DefocusBlur
    | MotionBlur
    | Brightness
    | Contrast
    | Saturation
    | Jpeg
    | Posterize
    | Pixelate,
    Field(discriminator="kind"),
]
"""Any corruption, chosen by ``kind``: what a suite's YAML may list."""
