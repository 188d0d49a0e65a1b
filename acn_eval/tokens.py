"""Tokens: sentences as a text encoder reads them; data makes them, and models read them."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Tokens"]


@dataclass(frozen=True, eq=False)
class Tokens:
    """Sentences of one batch, padded to the longest; padding may be anywhere.

    Attributes:
        ids: int64 (n, tokens), rows of the vocabulary.
        mask: bool (n, tokens), False where there is padding, which nothing reads.
        segments: int64 (n, tokens), 0 or, in the second sentence of a pair, 1.
        asked: bool (n, tokens), the tokens that a masked language model is to answer; None: all.
    """

    ids: Tensor
    mask: Tensor
    segments: Tensor
    asked: Tensor | None = None

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
        return Tokens(change(self.ids), change(self.mask), change(self.segments), asked)
