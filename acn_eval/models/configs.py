"""What encoders state about themselves; `acn_eval.models.build` makes networks of it."""

from typing import Annotated, Any, Literal, Self

import torch
from pydantic import (
    Field,
    model_validator,
)
from torch import Tensor

from acn_eval.config_files import Config, WrittenWhereGiven
from acn_eval.models.connectivity import CONNECTIVITIES, ConnectivityName, Grain, Skips

__all__ = ["EncoderConfig", "ImageConfig", "Size"]

Size = Annotated[int, Field(gt=0, le=65_536)]
Side = Annotated[int, Field(gt=0, le=4096)]


class Wiring(Config, frozen=True):
    """How many blocks of which width are wired, and how; k of L counts executed blocks.

    Attributes:
        connectivity: a row of `acn_eval.models.connectivity.CONNECTIVITIES`.
        grain: the unit that is wired; None takes the row's own.
        skips: inner skips of a block that is wired as a whole; None takes the row's own.
        depth: number of blocks L; there are L + 1 exits, 0 .. L.
    """

    connectivity: ConnectivityName = "residual"
    grain: Grain | None = None
    skips: WrittenWhereGiven[Skips] = None
    depth: Annotated[int, Field(ge=0, le=1000)] = 8
    width: Size = 64

    @model_validator(mode="after")
    def _wires(self) -> Self:
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
    def units(self) -> int:
        """Number of units that are wired: blocks, or two sub-layers of each."""
        return self.depth * (2 if self.unit == "sublayer" else 1)


class EncoderConfig(Wiring, frozen=True):
    """What every encoder states about itself; subclasses say what it reads.

    Attributes:
        pool: ``cls`` reads the first token, ``mean`` averages over all tokens.
        branches: exits below the last with a norm and head of their own; the others share the
            last one's.
    """

    classes: Annotated[int, Field(gt=0, le=1_000_000)] = 10
    pool: Literal["cls", "mean"] = "cls"
    branches: Annotated[
        tuple[Annotated[int, Field(ge=0, le=1000)], ...], Field(max_length=1000)
    ] = ()

    @model_validator(mode="after")
    def _branches_are_exits(self) -> Self:
        distinct = len(set(self.branches)) == len(self.branches)
        if not distinct or any(k >= self.depth for k in self.branches):
            msg = f"branches must be different exits below {self.depth}, the last"
            raise ValueError(msg)
        return self

    @property
    def masked(self) -> bool:
        """Whether it finds tokens that are hidden; otherwise examples have classes."""
        return False

    @property
    def tokens(self) -> int:
        """Number of tokens of an example, the largest where it varies."""
        raise NotImplementedError

    @property
    def reads(self) -> dict[str, Any]:
        """Plain types for the record: the form of an input."""
        raise NotImplementedError

    def blank(self, n: int) -> Any:
        """Return n examples of the largest size, without content, on the CPU."""
        raise NotImplementedError


class _Images(Wiring, frozen=True):
    """Apart from `ImageConfig`, so that its fields stand where written configs have them."""

    image_size: Side = 8
    patch: Side = 2
    channels: Literal[1, 3] = 1

    @model_validator(mode="after")
    def _is_cut_evenly(self) -> Self:
        if self.image_size % self.patch:
            raise ValueError("patch must divide image_size")
        return self


class ImageConfig(EncoderConfig, _Images, frozen=True):
    """An encoder that reads square images in patches, with a class token where it pools one."""

    @property
    def class_token(self) -> bool:
        """Whether there is a class token."""
        return self.pool == "cls"

    @property
    def tokens(self) -> int:
        """Number of tokens, the class token included."""
        return (self.image_size // self.patch) ** 2 + self.class_token

    @property
    def reads(self) -> dict[str, Any]:
        """Size and channels."""
        return {"size": self.image_size, "channels": self.channels}

    def blank(self, n: int) -> Tensor:
        """Return zeros (n, channels, size, size)."""
        return torch.zeros(n, self.channels, self.image_size, self.image_size)
