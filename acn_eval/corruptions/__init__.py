"""Corruptions of images, on the device and keyed per image: one explicit table."""

from typing import Annotated

from pydantic import Field

from acn_eval.corruptions.base import (
    NOISE_VERSION,
    Context,
    Corruption,
    NoiseKey,
    noise_digest,
)
from acn_eval.corruptions.noise import Gaussian, SaltPepper

__all__ = [
    "NOISE_VERSION",
    "AnyCorruption",
    "Context",
    "Corruption",
    "Gaussian",
    "NoiseKey",
    "SaltPepper",
    "noise_digest",
]

AnyCorruption = Annotated[Gaussian | SaltPepper, Field(discriminator="kind")]
