"""The input protocol: examples are read, corrupted, and prepared for a network.

    Inputs.read -> InputSpec.upload -> Corruption.corrupt -> Prepare -> network

Everything between the data and the network speaks of these steps only; images, token sequences
and other modalities are known to the classes that implement the protocol alone.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, Protocol, Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

__all__ = [
    "Batch",
    "InputSpec",
    "Inputs",
    "Place",
    "Prepare",
    "ReadyMade",
    "ShownBatch",
    "content_hash",
]

B = TypeVar("B")


class Batch(Protocol):
    """Some examples on one device, at any step. A tensor (n, ...) is one."""

    @property
    def device(self) -> torch.device:
        """Where it is."""

    def __len__(self) -> int:
        """Return the number of examples."""

    def __getitem__(self, where: slice, /) -> Self:
        """Return the examples at these positions."""

    def to(self, device: torch.device, /) -> Self:
        """Return the same on a device."""


class ShownBatch(Batch, Protocol):
    """Examples as corruptions see them. A tensor (n, ...) is one."""

    @property
    def shape(self) -> Sequence[int]:
        """Number of examples, then the lengths that noise is drawn for."""

    def numpy(self) -> NDArray[Any]:
        """Return the content, from the CPU: noise digests are over its bytes."""


class InputSpec(Protocol[B]):
    """What a network is shown, e.g. images of 32 x 32 pixels; hashable.

    Networks with equal specs share one pass. The modality is a plural noun such as ``"images"``.
    """

    modality: ClassVar[str]

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of one example, e.g. (channels, height, width); the largest where they vary."""

    def upload(self, batch: B, device: torch.device) -> B:
        """Return what `Inputs.read` returned, as corruptions see it, on a device."""

    def facts(self) -> dict[str, Any]:
        """Plain types for the record: what decides the content that is shown."""


class Inputs(Protocol):
    """Where examples come from: memory, or files that are decoded when they are read."""

    modality: ClassVar[str]

    def read(self, positions: NDArray[np.int64], spec: Any) -> Any:
        """Return the examples at these positions as a spec of the same modality asks for."""

    def hashes(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return one 63-bit hash (n,) of each example's stored content, as `content_hash`."""

    def part(self, positions: NDArray[np.int64]) -> "Inputs":
        """Return the examples at these positions alone, in that order, for another process."""


class Prepare(Protocol):
    """The last step: from what is shown, corrupted or not, to the input of one network."""

    @property
    def spec(self) -> InputSpec[Any]:
        """What the network is shown."""

    def __call__(self, shown: Any, /) -> Any:
        """Map examples as corruptions leave them to a `Batch` that the network reads."""

    def blank(self, n: int) -> Any:
        """Return n examples without content, on the CPU, as the network reads them."""

    def facts(self) -> dict[str, Any]:
        """Plain types for the record: what decides the input of the network."""


class Place(NamedTuple):
    """Where the ready-made examples of one condition lie; see `acn_eval.corruptions.given`."""

    folder: str
    name: str
    level: int
    framed: bool


class ReadyMade(Protocol):
    """Corrupted examples that somebody has made, found by the ids of the clean ones."""

    def why_not(self, place: Place) -> str:
        """Say why they are not there; "" where all of them are."""

    def stamp(self, place: Place, ids: torch.Tensor) -> str:
        """Return a digest that changes where the files of these ids (n,) change."""

    def read(self, place: Place, ids: torch.Tensor) -> Any:
        """Return those of these ids (n,), as `InputSpec.upload` does, on the device of the ids."""


def content_hash(content: bytes) -> int:
    """Return a 63-bit hash (BLAKE2b) of the stored bytes of an example."""
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little") >> 1
