"""Gaussian and salt-and-pepper noise from keyed draws: the pixels of kornia's augmentations."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field, model_validator
from scipy.special import ndtri
from torch import Tensor

from acn_eval.corruptions.base import Context, ImageCorruption, Levels, NoiseKey
from acn_eval.corruptions.philox import uniform16
from acn_eval.errors import ConfigError

__all__ = ["Gaussian", "SaltPepper", "add_noise", "quantile_table", "write_poles"]

_STEPS = 1 << 16
Space = Literal["pixel", "normalized"]
Grain = Literal["pixel", "element"]


class Gaussian(ImageCorruption, frozen=True):
    """Additive Gaussian noise ``x + sigma z``, with z one of 65,536 quantiles of N(0, 1).

    Attributes:
        levels: sigma, in pixel units or in units of the data set's channel std.
        space: ``pixel`` adds sigma z to pixels in [0, 1]; ``normalized`` adds sigma std_c z to
            channel c, which is sigma z after the normalization ``(x - mean_c) / std_c``.
        per: ``element`` draws for every channel, ``pixel`` once for all channels of a pixel.
        clip: clamp to [0, 1] afterwards; unless given, in pixel space only.
    """

    stream: ClassVar[str] = "gaussian"
    kind: Literal["gaussian"] = "gaussian"
    levels: Levels = (0.1, 0.2, 0.4)
    space: Space = "pixel"
    per: Grain = "element"
    clip: bool = True

    @model_validator(mode="before")
    @classmethod
    def _default_clip(cls, fields: Any) -> Any:
        if isinstance(fields, dict):
            return {"clip": fields.get("space", "pixel") == "pixel", **fields}
        return fields

    @property
    def needs_std(self) -> bool:
        """Whether sigma is in units of the channel std."""
        return self.space == "normalized"

    def _draw(self, shape: Sequence[int], ids: Tensor, key: NoiseKey) -> Tensor:
        return _uniforms(shape, ids, key.words(self.stream), self.per)

    def corrupt(
        self, images: Tensor, draw: Tensor | None, level: float, context: Context
    ) -> Tensor:
        """Look the drawn quantiles up, add them, and clamp where asked."""
        assert draw is not None
        if self.space == "pixel":
            return add_noise(images, draw, quantile_table((level,), images.device), clip=self.clip)
        channels = images.shape[1]
        if len(context.std) != channels:
            msg = f"{self.kind}: context.std must have {channels} entries; got {context.std}"
            raise ConfigError(msg)
        table = quantile_table(tuple(level * std for std in context.std), images.device)
        runs = torch.arange(channels, device=images.device, dtype=torch.int32) * _STEPS
        return add_noise(images, draw + runs[:, None, None], table, clip=self.clip)


class SaltPepper(ImageCorruption, frozen=True):
    """Salt-and-pepper noise: a share ``level`` of the pixels becomes white or black.

    One 16-bit uniform u per pixel serves all levels: pepper where
    ``u < round(65536 level (1 - salt))``, salt where ``u >= 65536 - round(65536 level salt)``;
    so the pixels hit at one level are hit alike at every larger one.

    Attributes:
        levels: share of pixels (or elements) written.
        space: recorded only: black and white are the same pixels in either space.
        per: ``pixel`` writes all channels of a pixel, ``element`` each channel on its own.
        salt: share of white among the written ones.
    """

    stream: ClassVar[str] = "salt_pepper"
    channels: ClassVar[frozenset[int] | None] = frozenset({1, 3})
    kind: Literal["salt_pepper"] = "salt_pepper"
    levels: Annotated[tuple[Annotated[float, Field(le=1)], ...], Field(max_length=50)] = (
        0.01,
        0.05,
        0.1,
    )
    space: Space = "pixel"
    per: Grain = "pixel"
    salt: float = Field(0.5, ge=0, le=1)

    def _draw(self, shape: Sequence[int], ids: Tensor, key: NoiseKey) -> Tensor:
        return _uniforms(shape, ids, key.words(self.stream), self.per)

    def corrupt(
        self, images: Tensor, draw: Tensor | None, level: float, context: Context
    ) -> Tensor:
        """Write the poles where the uniform passes the level's thresholds."""
        assert draw is not None
        below = round(_STEPS * level * (1 - self.salt))
        above = _STEPS - round(_STEPS * level * self.salt)
        return write_poles(images, draw, below, above)


def add_noise(images: Tensor, index: Tensor, table: Tensor, *, clip: bool) -> Tensor:
    """Add ``table[index]`` to the images: index int32 (B, C or 1, H, W), table float32."""
    # Several times faster than table[index] on a CPU, which has to mind negative indices.
    noise = table.index_select(0, index.flatten()).view(index.shape)
    # In the memory of the noise where it has every channel: new memory costs more than the sum.
    noisy = noise.add_(images) if noise.shape == images.shape else images + noise
    return noisy.clamp_(0, 1) if clip else noisy


def write_poles(images: Tensor, draw: Tensor, below: int, above: int) -> Tensor:
    """Write 0 where ``draw < below`` and 1 where ``draw >= above``: int32 (B, C or 1, H, W)."""
    return images.masked_fill(draw >= above, 1.0).masked_fill_(draw < below, 0.0)


def _uniforms(shape: Sequence[int], ids: Tensor, words: Tensor, per: Grain) -> Tensor:
    """Draw int32 (B, C or 1, H, W) in [0, 65536)."""
    batch, channels, height, width = shape
    planes = channels if per == "element" else 1
    return uniform16(ids, planes * height * width, words).reshape(batch, planes, height, width)


@lru_cache(maxsize=32)
def quantile_table(sigmas: tuple[float, ...], device: torch.device) -> Tensor:
    """Return the quantiles of N(0, sigma^2), one run of 65,536 per sigma: float32 (65536 S,).

    Entry k of a run is ``sigma * Phi^-1((k + 1/2) / 65536)``, computed in float64 and rounded
    once, so that the device only looks up and adds: no transcendental, and no product that a
    compiler could fuse with the sum. The ends are at 4.32 sigma.
    """
    z = ndtri((np.arange(_STEPS) + 0.5) / _STEPS)
    table = np.concatenate([(sigma * z).astype(np.float32) for sigma in sigmas])
    return torch.from_numpy(table).to(device)
