"""Tokens: sentences as a text encoder reads them; data makes them, and models read them.

Noise on embeddings comes with them, because only the network has what it is added to.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

__all__ = ["EmbeddingNoise", "Tokens"]


@dataclass(frozen=True, eq=False)
class EmbeddingNoise:
    """What a corruption adds to the embeddings of one batch, in whatever network reads it.

    Attributes:
        draw: int64 (n, ...), a row per example: everything random follows from it.
        add: from embeddings (n, tokens, width), the draw and the words to embeddings with noise.
        words: bool (n, tokens), the tokens that get noise; None before there are tokens.
    """

    draw: Tensor
    add: Callable[[Tensor, Tensor, Tensor], Tensor]
    words: Tensor | None = None

    def __call__(self, embedded: Tensor) -> Tensor:
        """Return embeddings (n, tokens, width) with the noise."""
        assert self.words is not None
        return self.add(embedded, self.draw, self.words)

    def each(self, change: Callable[[Tensor], Tensor]) -> "EmbeddingNoise":
        """Return the noise of other examples, or on another device."""
        words = None if self.words is None else change(self.words)
        return replace(self, draw=change(self.draw), words=words)


@dataclass(frozen=True, eq=False)
class Tokens:
    """Sentences of one batch, padded to the longest; padding may be anywhere.

    Attributes:
        ids: int64 (n, tokens), rows of the vocabulary.
        mask: bool (n, tokens), False where there is padding, which nothing reads.
        segments: int64 (n, tokens), 0 or, in the second sentence of a pair, 1.
        asked: bool (n, tokens), the tokens that a masked language model is to answer; None: all.
        noise: on their embeddings.
    """

    ids: Tensor
    mask: Tensor
    segments: Tensor
    asked: Tensor | None = None
    noise: EmbeddingNoise | None = None

    @staticmethod
    def blank(n: int, tokens: int) -> "Tokens":
        """Return n examples of so many tokens without content, none of them padding."""
        ids = torch.zeros(n, tokens, dtype=torch.int64)
        return Tokens(ids, torch.ones_like(ids, dtype=torch.bool), torch.zeros_like(ids))

    @property
    def device(self) -> torch.device:
        """Where they are."""
        return self.ids.device

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, where: slice, /) -> "Tokens":
        return self._each(lambda part: part[where])

    def to(self, device: torch.device, /) -> "Tokens":
        """Return the same on a device."""
        return self._each(lambda part: part.to(device))

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Tokens":
        asked = None if self.asked is None else change(self.asked)
        noise = None if self.noise is None else self.noise.each(change)
        return Tokens(change(self.ids), change(self.mask), change(self.segments), asked, noise)
