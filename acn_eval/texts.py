"""Sentences as corruptions see them: a batch of Python strings.

It lies below the rooms of data, corruptions and networks, which share it.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from acn_eval.tokens import EmbeddingNoise

__all__ = ["SentenceBatch"]

_CPU = torch.device("cpu")


@dataclass(frozen=True)
class SentenceBatch:
    """Some examples: one sentence each, or a pair; a `ShownBatch`.

    Attributes:
        texts: a tuple of one or two sentences per example.
        device: where the input of the network is to be; text itself is in Python's memory.
        noise: on the embeddings of their tokens.
    """

    texts: tuple[tuple[str, ...], ...]
    device: torch.device = _CPU
    noise: EmbeddingNoise | None = None

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.texts)

    def __getitem__(self, where: slice, /) -> "SentenceBatch":
        """Return the examples at these positions."""
        noise = None if self.noise is None else self.noise.each(lambda part: part[where])
        return replace(self, texts=self.texts[where], noise=noise)

    def to(self, device: torch.device, /) -> "SentenceBatch":
        """Return the same for a device."""
        noise = None if self.noise is None else self.noise.each(lambda part: part.to(device))
        return replace(self, device=device, noise=noise)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Examples, sentences per example, and characters of the longest, at least one."""
        longest = max((len(text) for texts in self.texts for text in texts), default=1)
        return len(self), len(self.texts[0]) if self.texts else 1, max(longest, 1)

    def numpy(self) -> NDArray[np.uint8]:
        """Return the UTF-8 bytes of all sentences, with separators between them, and the draw."""
        joined = "\x1e".join("\x1f".join(texts) for texts in self.texts).encode()
        drawn = b"" if self.noise is None else self.noise.draw.numpy().tobytes()
        return np.frombuffer(joined + drawn, np.uint8)
