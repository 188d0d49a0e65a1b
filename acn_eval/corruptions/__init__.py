"""Corruptions, on the device of the examples and keyed by their ids: one explicit table."""

from typing import Annotated, Any, get_args

from pydantic import Field, SerializeAsAny, ValidatorFunctionWrapHandler, WrapValidator

from acn_eval.corruptions import common, text
from acn_eval.corruptions.base import (
    NOISE_VERSION,
    Context,
    Corruption,
    ImageCorruption,
    NoiseKey,
    noise_digest,
)
from acn_eval.corruptions.embeddings import EmbeddingGaussian
from acn_eval.corruptions.given import Given
from acn_eval.corruptions.noise import Gaussian, SaltPepper
from acn_eval.corruptions.text import TextCorruption
from acn_eval.plugins import plugin

__all__ = [
    "NOISE_VERSION",
    "SHIPPED",
    "AnyCorruption",
    "Context",
    "Corruption",
    "EmbeddingGaussian",
    "Gaussian",
    "Given",
    "ImageCorruption",
    "NoiseKey",
    "SaltPepper",
    "TextCorruption",
    "noise_digest",
]

_Shipped = (
    Gaussian
    | SaltPepper
    | common.GaussianBlur
    | common.DefocusBlur
    | common.MotionBlur
    | common.Brightness
    | common.Contrast
    | common.Saturation
    | common.Jpeg
    | common.Posterize
    | common.Pixelate
    | text.Keyboard
    | text.SwapCharacters
    | text.DeleteCharacters
    | text.InsertLetters
    | text.DropWords
    | text.MaskWords
    | EmbeddingGaussian
    | Given
)
SHIPPED: tuple[type[Corruption], ...] = get_args(_Shipped)
"""Every corruption that ships."""
_KINDS = {member.model_fields["kind"].default for member in SHIPPED}


def _installed(value: Any, shipped: ValidatorFunctionWrapHandler) -> Any:
    """Validate a corruption of an installed package; the union reads one that ships."""
    kind = value.get("kind") if isinstance(value, dict) else None
    added = plugin("corruptions", kind) if isinstance(kind, str) and kind not in _KINDS else None
    if added is not None:
        return added.model_validate(value)
    return value if isinstance(value, Corruption) else shipped(value)


AnyCorruption = Annotated[
    SerializeAsAny[Annotated[_Shipped, Field(discriminator="kind")]], WrapValidator(_installed)
]
"""Any corruption, chosen by ``kind``: what a suite's YAML may list. Installed packages add to it
with entry points ``acn_eval.corruptions``."""
