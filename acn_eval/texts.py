"""Sentences as corruptions see them: a batch of Python strings.

It lies below the rooms of data, corruptions and networks, which share it.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

__all__ = ["SentenceBatch"]

_CPU = torch.device("cpu")


@dataclass(frozen=True)
class SentenceBatch:
    """Some examples: one sentence each, or a pair; a `ShownBatch`.

    Attributes:
        texts: a tuple of one or two sentences per example.
        device: where the input of the network is to be; text itself is in Python's memory.
    """

    texts: tuple[tuple[str, ...], ...]
    device: torch.device = _CPU

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.texts)

    def __getitem__(self, where: slice, /) -> "SentenceBatch":
        """Return the examples at these positions."""
        return replace(self, texts=self.texts[where])

    def to(self, device: torch.device, /) -> "SentenceBatch":
        """Return the same for a device."""
        return replace(self, device=device)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Examples, sentences per example, and characters of the longest, at least one."""
        longest = max((len(text) for texts in self.texts for text in texts), default=1)
        return len(self), len(self.texts[0]) if self.texts else 1, max(longest, 1)

    def numpy(self) -> NDArray[np.uint8]:
        """Return the UTF-8 bytes of all sentences, with separators between them."""
        joined = "\x1e".join("\x1f".join(texts) for texts in self.texts)
        return np.frombuffer(joined.encode(), np.uint8)
