"""The contract of every corruption: conditions, one keyed draw per image, one step per level."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field, field_validator
from torch import Tensor

from acn_eval.config_files import Config
from acn_eval.errors import Unsupported
from acn_eval.results import Scalar
from acn_eval.seeds import seed_for

__all__ = ["NOISE_VERSION", "Context", "Corruption", "Levels", "NoiseKey", "noise_digest"]

NOISE_VERSION = 1
Levels = Annotated[tuple[Annotated[float, Field(le=100)], ...], Field(max_length=50)]


@dataclass(frozen=True)
class NoiseKey:
    """What noise is keyed by, besides the image id and the element.

    Attributes:
        seed: seed of the evaluation.
        repeat: number of the noise draw, 0 for the first.
    """

    seed: int = 0
    repeat: int = 0

    def words(self, stream: str) -> Tensor:
        """Return the Philox key of a stream such as ``"gaussian"``: int64 (2,), 32 bits each."""
        key = seed_for("noise", NOISE_VERSION, stream, self.seed, self.repeat)
        return torch.tensor([key & 0xFFFFFFFF, key >> 32])


@dataclass(frozen=True)
class Context:
    """What a corruption may know of the data set.

    Attributes:
        std: standard deviation of each channel; needed in normalized space only.
    """

    std: tuple[float, ...] = ()


class Corruption(Config, ABC, frozen=True):
    """A frozen config that turns images in [0, 1] into corrupted ones, at several levels.

    The engine calls `draw` once per batch and `corrupt` once per level with the same draw, so
    that every level and every model sees the same randomness. A subclass adds the field
    ``kind``, its own fields, and `corrupt`; a random one also writes `_draw`.

    Attributes:
        levels: strictly increasing strengths, one condition each.
    """

    channels: ClassVar[frozenset[int] | None] = None
    """Channel counts that it can act on; None for any."""

    kind: str
    levels: Levels

    @field_validator("levels")
    @classmethod
    def _increasing(cls, levels: tuple[float, ...]) -> tuple[float, ...]:
        if not levels or levels[0] <= 0 or list(levels) != sorted(set(levels)):
            msg = f"levels must be positive and strictly increasing; got {levels}"
            raise ValueError(msg)
        return levels

    def conditions(self) -> tuple[dict[str, Scalar], ...]:
        """One flat mapping per level, with every field that decides pixels."""
        fields = self.model_dump(exclude={"kind", "levels"})
        return tuple({"corruption": self.kind, "level": level, **fields} for level in self.levels)

    def check(self, images_shape: Sequence[int]) -> None:
        """Raise `Unsupported` where the corruption cannot act on images (B, C, H, W)."""
        channels = images_shape[1]
        if self.channels is not None and channels not in self.channels:
            expected = " or ".join(str(count) for count in sorted(self.channels))
            msg = f"{self.kind}: images must have {expected} channels; got {channels}"
            raise Unsupported(msg)

    def draw(self, images_shape: Sequence[int], ids: Tensor, key: NoiseKey) -> Tensor | None:
        """Draw the randomness of a batch, once for all levels; None where there is none.

        Args:
            images_shape: (B, C, H, W).
            ids: int64 (B,), stable ids of the images; the draw lives on their device.
            key: seed and repeat.

        Raises:
            Unsupported: the corruption cannot act on such images.
        """
        self.check(images_shape)
        return self._draw(images_shape, ids, key)

    def _draw(self, images_shape: Sequence[int], ids: Tensor, key: NoiseKey) -> Tensor | None:
        return None

    @abstractmethod
    def corrupt(
        self, images: Tensor, draw: Tensor | None, level: float, context: Context
    ) -> Tensor:
        """Return corrupted images, float32 (B, C, H, W), new memory.

        Args:
            images: float32 (B, C, H, W) in [0, 1].
            draw: what `draw` returned for these images.
            level: one of ``levels``.
            context: what is known of the data set.
        """


def noise_digest(
    corruptions: Sequence[Corruption],
    images: Tensor,
    ids: Tensor,
    *,
    key: NoiseKey,
    context: Context,
) -> str:
    """Digest (16 hex digits) of some images under every condition: equal where pixels are.

    Args:
        corruptions: in the order of the suite.
        images: float32 (B, C, H, W) in [0, 1], a small fixed choice such as the first eight.
        ids: int64 (B,).
        key: seed and repeat.
        context: what is known of the data set.
    """
    digest = hashlib.sha256(f"noise {NOISE_VERSION}".encode())
    for corruption in corruptions:
        try:
            draw = corruption.draw(images.shape, ids, key)
        except Unsupported as reason:
            digest.update(str(reason).encode())
            continue
        for condition, level in zip(corruption.conditions(), corruption.levels, strict=True):
            digest.update(json.dumps(condition, sort_keys=True).encode())
            corrupted = corruption.corrupt(images, draw, level, context)
            digest.update(corrupted.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
