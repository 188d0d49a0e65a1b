"""The encoder that ViT and Mixer share: embedding, wired blocks, exits through one head."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

import torch
from pydantic import (
    Field,
    model_validator,
)
from torch import Tensor, nn

from acn_eval.config_files import Config, WrittenWhereGiven
from acn_eval.models.connectivity import (
    CONNECTIVITIES,
    ConnectivityName,
    Grain,
    Skips,
    Stream,
    Unit,
    streams,
)

__all__ = [
    "Block",
    "Boundary",
    "Encoder",
    "EncoderConfig",
    "PatchEmbed",
    "Readings",
    "Size",
    "pooled",
]

Size = Annotated[int, Field(gt=0, le=65_536)]
Side = Annotated[int, Field(gt=0, le=4096)]
_HEAD = ("norm.", "head.")


class EncoderConfig(Config, frozen=True):
    """What every encoder states about itself; k of L counts executed blocks.

    Attributes:
        connectivity: a row of `acn_eval.models.connectivity.CONNECTIVITIES`.
        grain: the unit that is wired; None takes the row's own.
        skips: inner skips of a block that is wired as a whole; None takes the row's own.
        depth: number of blocks L; there are L + 1 exits, 0 .. L.
        pool: ``cls`` reads the class token, ``mean`` averages over all tokens.
        branches: exits below the last with a norm and head of their own; the others share the
            last one's.
    """

    connectivity: ConnectivityName = "residual"
    grain: Grain | None = None
    skips: WrittenWhereGiven[Skips] = None
    depth: Annotated[int, Field(ge=0, le=1000)] = 8
    width: Size = 64
    image_size: Side = 8
    patch: Side = 2
    channels: Literal[1, 3] = 1
    classes: Annotated[int, Field(gt=0, le=1_000_000)] = 10
    pool: Literal["cls", "mean"] = "cls"
    branches: Annotated[
        tuple[Annotated[int, Field(ge=0, le=1000)], ...], Field(max_length=1000)
    ] = ()

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.image_size % self.patch:
            raise ValueError("patch must divide image_size")
        distinct = len(set(self.branches)) == len(self.branches)
        if not distinct or any(k >= self.depth for k in self.branches):
            msg = f"branches must be different exits below {self.depth}, the last"
            raise ValueError(msg)
        if self.unit == "sublayer" and self.skips not in (None, "none"):
            raise ValueError("skips must be none where the grain is sublayer: no block is whole")
        return self

    @property
    def inner_skips(self) -> Skips:
        """The inner skips in force."""
        return self.skips or CONNECTIVITIES[self.connectivity].skips

    @property
    def unit(self) -> Grain:
        """The grain in force."""
        return self.grain or CONNECTIVITIES[self.connectivity].grain

    @property
    def class_token(self) -> bool:
        """Whether there is a class token."""
        return self.pool == "cls"

    @property
    def tokens(self) -> int:
        """Number of tokens, the class token included."""
        return (self.image_size // self.patch) ** 2 + self.class_token


class PatchEmbed(nn.Module):
    """Images (batch, channels, size, size) to tokens (batch, tokens, width); class token first."""

    def __init__(self, config: EncoderConfig, *, positions: bool) -> None:
        super().__init__()
        self.proj = nn.Conv2d(config.channels, config.width, config.patch, config.patch)
        token = torch.zeros(1, 1, config.width)
        places = torch.zeros(1, config.tokens, config.width)
        self.cls_token = nn.Parameter(token) if config.class_token else None
        self.pos_embed = nn.Parameter(places) if positions else None

    def forward(self, images: Tensor) -> Tensor:
        """Patches to tokens."""
        x: Tensor = self.proj(images).flatten(2).transpose(1, 2)
        if self.cls_token is not None:
            x = torch.cat((self.cls_token.expand(len(x), -1, -1), x), dim=1)
        return x if self.pos_embed is None else x + self.pos_embed


class Block(nn.Module):
    """A block of two sub-layers; subclasses say which."""

    def sublayers(self) -> tuple[Unit, Unit]:
        """The functions whose composition, without any skip, is the block.

        The first mixes tokens (attention), the second channels (the MLP).
        """
        raise NotImplementedError

    def run(self, x: Tensor, skips: Skips) -> Tensor:
        """Compose the sub-layers with these inner skips."""
        mix_tokens, mix_channels = self.sublayers()
        x = x + mix_tokens(x) if skips in ("attention", "both") else mix_tokens(x)
        return x + mix_channels(x) if skips in ("mlp", "both") else mix_channels(x)


class Readings(NamedTuple):
    """Features (batch, width) of one exit, pooled and normed as the shared head reads them.

    Attributes:
        stream: of the readout, the accumulated sum of an ACN: the head's own input.
        block: of what the next block reads, the output of the last one; the same tensor as
            `stream` where the connectivity does not tell them apart.
    """

    stream: Tensor
    block: Tensor


class Boundary(NamedTuple):
    """What is known after a block, or before the first.

    Attributes:
        passed_on: tokens (batch, tokens, width) that the next block reads.
        pooled: of the readout (batch, width), before the norm.
    """

    passed_on: Tensor
    pooled: Tensor


class Encoder(nn.Module):
    """Embedding -> wired blocks -> pool -> norm -> head, with an exit after every block.

    Norm and pooling commute for the class token; for ``mean`` the order is pool, then norm.

    Attributes:
        start: how parameters are initialized, see `acn_eval.models.build.initialize`.
    """

    start: ClassVar[Literal["xavier", "torch"]] = "xavier"

    def __init__(
        self, config: EncoderConfig, embed: nn.Module, block: Callable[[], Block], eps: float
    ) -> None:
        super().__init__()
        self.config = config
        self.connectivity = CONNECTIVITIES[config.connectivity]
        self.embed = embed
        self.blocks = nn.ModuleList(block() for _ in range(config.depth))
        self.combine = self.connectivity.combine(len(self._units()), config.width)
        self.norm = nn.LayerNorm(config.width, eps=eps)
        self.head = nn.Linear(config.width, config.classes)
        self.branches = nn.ModuleDict({str(k): _Branch(config, eps) for k in config.branches})

    def forward(self, images: Tensor) -> Tensor:
        """Logits (batch, classes) of the last exit."""
        *_, last = self.streams(images)
        return self.classify(last)

    def exits(self, images: Tensor) -> list[Tensor]:
        """Logits (batch, classes) of every exit 0 .. L, from one pass through the blocks.

        Exit k equals the network truncated to k blocks, bit for bit: heads are evaluated one exit
        at a time, because stacking them into one batch changes bits.
        """
        return [self.classify(stream, k) for k, stream in enumerate(self.streams(images))]

    def leave_at(self, images: Tensor, exit: int) -> Tensor:
        """Logits (batch, classes) of an exit as early exit computes them: with every head before.

        The head of exit 0, the embedding alone, is left out on the way.
        """
        for k, stream in enumerate(self.streams(images)):
            if k == exit:
                break
            if k:
                self.classify(stream, k)
        return self.classify(stream, exit)

    def streams(self, images: Tensor) -> Iterator[Tensor]:
        """Yield the readout (batch, tokens, width) of every exit 0 .. L."""
        return map(self.connectivity.readout, self._wired(images))

    def readings(self, images: Tensor) -> list[Readings]:
        """Features of every exit 0 .. L in both readings, from one pass through the blocks."""
        return [self._readings(stream) for stream in self._wired(images)]

    def boundaries(self, images: Tensor) -> Iterator[Boundary]:
        """Yield the tokens at every exit 0 .. L, before any norm."""
        for stream in self._wired(images):
            readout = pooled(self.connectivity.readout(stream), self.config.pool)
            yield Boundary(self.connectivity.reads(stream), readout)

    def classify(self, stream: Tensor, exit: int | None = None) -> Tensor:
        """Map (batch, tokens, width) to (batch, classes) by the exit's own head or the shared."""
        if str(exit) in self.branches:
            logits: Tensor = self.branches[str(exit)](pooled(stream, self.config.pool))
        else:
            logits = self.head(self._features(stream))
        return logits

    def truncated(self, depth: int) -> Self:
        """Return a network of its own that has the first `depth` blocks and gives exit `depth`."""
        below = tuple(k for k in self.config.branches if k < depth)
        config = self.config.model_copy(update={"depth": depth, "branches": below})
        with torch.random.fork_rng(devices=[]):
            cut: Self = type(self)(config)  # type: ignore[call-arg]
        state = self.state_dict()
        if depth in self.config.branches:
            state |= {k: state[f"branches.{depth}.{k}"] for k in state if k.startswith(_HEAD)}
        wanted = cut.state_dict().keys()
        cut.load_state_dict({k: v for k, v in state.items() if k in wanted})
        return cut.to(self.head.weight).train(self.training)

    def _wired(self, images: Tensor) -> Iterator[Stream]:
        """Yield what is known at every block boundary."""
        per_block = len(self._units()) // max(len(self.blocks), 1)
        wired = streams(self.embed(images), self._units(), self.connectivity, self.combine)
        return islice(wired, 0, None, max(per_block, 1))

    def _readings(self, stream: Stream) -> Readings:
        readout, read = self.connectivity.readout(stream), self.connectivity.reads(stream)
        features = self._features(readout)
        return Readings(features, features if read is readout else self._features(read))

    def _features(self, stream: Tensor) -> Tensor:
        features: Tensor = self.norm(pooled(stream, self.config.pool))
        return features

    def _units(self) -> list[Unit]:
        blocks: list[Any] = list(self.blocks)
        if self.config.unit == "sublayer":
            return [sublayer for block in blocks for sublayer in block.sublayers()]
        return [partial(block.run, skips=self.config.inner_skips) for block in blocks]


class _Branch(nn.Module):
    """Norm and head of one exit: pooled (batch, width) to (batch, classes)."""

    def __init__(self, config: EncoderConfig, eps: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(config.width, eps=eps)
        self.head = nn.Linear(config.width, config.classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.norm(x))
        return logits


def pooled(stream: Tensor, pool: str) -> Tensor:
    """Class token or mean over tokens: (batch, tokens, width) to (batch, width)."""
    return stream[:, 0] if pool == "cls" else stream.mean(dim=1)
