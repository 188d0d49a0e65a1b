"""Images that lie encoded in files or tables, and are decoded when they are read."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from acn_eval.data.decoding import decode, is_turned
from acn_eval.data.geometry import Geometry
from acn_eval.errors import MeasureError
from acn_eval.inputs import content_hash

__all__ = ["EncodedImages"]


@dataclass(frozen=True)
class EncodedImages(ABC):
    """Encoded images; only those that are asked for are in memory.

    What one holds is hashed when it is first read, and it must hold the same ever after: the
    images that a network saw are those of the fingerprint.
    """

    modality: ClassVar[str] = Geometry.modality

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of images."""

    @abstractmethod
    def place(self, position: int) -> str:
        """Return where an image lies, as messages name it."""

    @abstractmethod
    def stored(self, positions: NDArray[np.int64]) -> Iterator[tuple[int, bytes]]:
        """Yield an index into the positions and the bytes there, in the order that costs least.

        Raises:
            DataError: they cannot be read.
        """

    def read(self, positions: NDArray[np.int64], spec: Geometry) -> Tensor:
        """Return uint8 (n, channels, size, size).

        Raises:
            DataError: one is no image.
            MeasureError: one has changed since it was first read.
        """
        shown = spec.room(len(positions))
        for k, content in self._checked(positions):
            shown[k] = spec(decode(content, self.place(int(positions[k]))))
        return shown

    def hashes(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return one 63-bit hash (n,) of each image's bytes, as they were first read."""
        for _ in self._checked(positions[self._known[positions] < 0]):
            pass
        return self._known[positions]

    @abstractmethod
    def part(self, positions: NDArray[np.int64]) -> "EncodedImages":
        """Return where these images lie, which another process reads."""

    def turned(self, positions: NDArray[np.int64]) -> int:
        """Return how many of these, as far as they were read, say that they are to be turned.

        They are shown as they are stored, as torchvision and timm show them.
        """
        return int(self._turned[positions].sum())

    def expected(self) -> NDArray[np.int64]:
        """Return the hash (n,) that each image must have; -1 where nobody states one."""
        return np.full(len(self), -1, np.int64)

    def changed(self, position: int) -> MeasureError:
        """Return the error of an image that is not what it was."""
        what = "must stay as it is while it is read; it has changed"
        return MeasureError(f"{self.place(position)}: {what}. Run it again.")

    def shape(self) -> tuple[int, int, int]:
        """Return (channels, height, width) of the first image."""
        ((_, content),) = self._checked(np.zeros(1, np.int64))
        height, width, channels = decode(content, self.place(0)).shape
        return channels, height, width

    @cached_property
    def _known(self) -> NDArray[np.int64]:
        """Hash (n,) of what each image held when it was first read; -1 before."""
        return self.expected().copy()

    @cached_property
    def _turned(self) -> NDArray[np.bool_]:
        return np.zeros(len(self), bool)

    def _checked(self, positions: NDArray[np.int64]) -> Iterator[tuple[int, bytes]]:
        for k, content in self.stored(positions):
            i, found = int(positions[k]), content_hash(content)
            if self._known[i] not in {-1, found}:
                raise self.changed(i)
            if self._known[i] < 0:
                self._known[i], self._turned[i] = found, is_turned(content)
            yield k, content
