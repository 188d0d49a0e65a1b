"""The contract of every corruption: conditions, one keyed draw per example, one step per level."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from pydantic import Field, field_validator
from torch import Tensor

from acn_eval.config_files import Config
from acn_eval.errors import ConfigError, Unsupported
from acn_eval.inputs import InputSpec, ReadyMade, ShownBatch
from acn_eval.results import Scalar
from acn_eval.seeds import seed_for

__all__ = [
    "NOISE_VERSION",
    "Context",
    "Corruption",
    "ImageCorruption",
    "Levels",
    "NoiseKey",
    "noise_digest",
]

NOISE_VERSION = 1
Levels = Annotated[tuple[Annotated[float, Field(le=100)], ...], Field(max_length=50)]


@dataclass(frozen=True)
class NoiseKey:
    """Seed and repeat, the number of the draw, which key noise beside example id and element."""

    seed: int = 0
    repeat: int = 0

    def words(self, stream: str) -> Tensor:
        """Return the Philox key of a stream such as ``"gaussian"``: int64 (2,), 32 bits each."""
        key = seed_for("noise", NOISE_VERSION, stream, self.seed, self.repeat)
        return torch.tensor([key & 0xFFFFFFFF, key >> 32])


@dataclass(frozen=True)
class Context:
    """What a corruption may know of the data.

    Attributes:
        std: of each channel, for normalized space.
        given: corrupted examples that are ready-made, if there are any.
    """

    std: tuple[float, ...] = ()
    given: ReadyMade | None = field(default=None, compare=False)


class Corruption(Config, ABC, frozen=True):
    """A frozen config that turns examples into corrupted ones, at several levels.

    The engine calls `draw` once per batch and `corrupt` once per level with the same draw, so
    that every level and every model sees the same randomness. A subclass adds the field
    ``kind``, its own fields, and `corrupt`; a random one also writes `_draw`.

    Attributes:
        levels: strictly increasing strengths, one condition each.
    """

    modality: ClassVar[str]
    """Of the examples that it acts on; see `acn_eval.inputs.InputSpec`."""
    always_changes: ClassVar[bool] = True
    """Whether its largest level changes any example at all; otherwise that is looked at first."""
    inside: ClassVar[bool] = False
    """Whether it acts inside the network, on its embeddings. Then a level is not the same
    disturbance for two networks, and counts in no mean with others."""

    kind: str
    levels: Levels

    @field_validator("levels")
    @classmethod
    def _increasing(cls, levels: tuple[float, ...]) -> tuple[float, ...]:
        if not levels or levels[0] <= 0 or list(levels) != sorted(set(levels)):
            msg = f"levels must be positive and strictly increasing; got {levels}"
            raise ValueError(msg)
        return levels

    @property
    def called(self) -> str:
        """What its conditions are called."""
        return self.kind

    def conditions(self) -> tuple[dict[str, Scalar], ...]:
        """One flat mapping per level, with every field that decides the content."""
        fields = self.model_dump(exclude={"kind", "levels"})
        return tuple({"corruption": self.kind, "level": level, **fields} for level in self.levels)

    @property
    def needs_std(self) -> bool:
        """Whether it reads ``Context.std``."""
        return False

    def check_spec(self, spec: InputSpec[Any]) -> None:
        """Refuse examples that the corruption cannot act on, before any is read.

        Raises:
            ConfigError: they are of another modality.
            Unsupported: of this modality, but of a shape that it cannot act on.
        """
        if spec.modality != self.modality:
            msg = f"{self.kind}: examples must be {self.modality}; got {spec.modality}"
            raise ConfigError(f"{msg}. Choose a suite of their corruptions.")
        self.check((1, *spec.shape))

    def check(self, shape: Sequence[int]) -> None:
        """Raise `Unsupported` where the corruption cannot act on a batch of this shape."""

    def require(self, context: Context) -> None:
        """Raise `Unsupported` where the context lacks what the corruption reads."""

    def stamp(self, ids: Tensor, level: float, context: Context) -> tuple[str, ...]:
        """Say what decides the content of these ids (B,) beside condition, key and clean examples.

        It is empty for what is computed.
        """
        return ()

    def draw(self, shape: Sequence[int], ids: Tensor, key: NoiseKey) -> Tensor | None:
        """Draw the randomness of a batch, once for all levels; None where there is none.

        The shape is e.g. (B, C, H, W); the draw is on the device of the stable ids, int64 (B,).

        Raises:
            Unsupported: the corruption cannot act on a batch of this shape.
        """
        self.check(shape)
        return self._draw(shape, ids, key)

    def _draw(self, shape: Sequence[int], ids: Tensor, key: NoiseKey) -> Tensor | None:
        return None

    @abstractmethod
    def corrupt(self, shown: Any, draw: Tensor | None, level: float, context: Context) -> Any:
        """Return corrupted examples, in new memory, from what `InputSpec.upload` returned.

        The draw is what `draw` returned for these examples, and the level one of ``levels``.
        """


class ImageCorruption(Corruption, frozen=True):
    """A corruption of images, float32 (B, C, H, W) in [0, 1]."""

    modality: ClassVar[str] = "images"
    channels: ClassVar[frozenset[int] | None] = None
    """Channel counts that it can act on; None for any."""

    def check(self, shape: Sequence[int]) -> None:
        """Raise `Unsupported` where the corruption cannot act on images (B, C, H, W)."""
        channels = shape[1]
        if self.channels is not None and channels not in self.channels:
            expected = " or ".join(str(count) for count in sorted(self.channels))
            msg = f"{self.kind}: images must have {expected} channels; got {channels}"
            raise Unsupported(msg)


def noise_digest(
    corruptions: Sequence[Corruption],
    shown: ShownBatch,
    ids: Tensor,
    *,
    key: NoiseKey,
    context: Context,
) -> str:
    """Return a digest of B examples under every condition: 16 hex digits, equal where pixels are.

    The examples, with ids int64 (B,), are a small fixed choice such as the first eight.
    """
    digest = hashlib.sha256(f"noise {NOISE_VERSION}".encode())
    for corruption in corruptions:
        try:
            corruption.require(context)
            draw = corruption.draw(shown.shape, ids, key)
        except Unsupported as reason:
            digest.update(str(reason).encode())
            continue
        for condition, level in zip(corruption.conditions(), corruption.levels, strict=True):
            digest.update(json.dumps(condition, sort_keys=True).encode())
            corrupted: ShownBatch = corruption.corrupt(shown, draw, level, context)
            content = corrupted.to(torch.device("cpu")).numpy()
            digest.update(np.ascontiguousarray(content).tobytes())
    return digest.hexdigest()[:16]
