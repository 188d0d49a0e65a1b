"""Sentences, alone or in pairs: what a network that reads text is shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from acn_eval.errors import DataError
from acn_eval.inputs import content_hash
from acn_eval.texts import SentenceBatch

__all__ = ["LONGEST", "SentenceSpec", "Sentences"]

LONGEST = 8192
"""Characters of a sentence; readers refuse longer ones. A BERT reads some 2,500."""


@dataclass(frozen=True)
class SentenceSpec:
    """How many sentences an example has.

    Attributes:
        per_example: 1, or 2 for a pair.
    """

    modality: ClassVar[str] = "sentences"

    per_example: int = 1

    @staticmethod
    def of(facts: Mapping[str, Any]) -> "SentenceSpec":
        """Return the spec whose `facts` are in a record.

        Raises:
            DataError: they are of none.
        """
        sentences = facts.get("sentences")
        if sentences not in (1, 2):
            raise DataError(f"preprocessing must have 1 or 2 sentences; got {sentences!r:.20}")
        return SentenceSpec(sentences)

    @property
    def shape(self) -> tuple[int, int]:
        """Sentences, and the most characters of one."""
        return self.per_example, LONGEST

    def upload(self, batch: SentenceBatch, device: torch.device) -> SentenceBatch:
        """Return the same batch for a device."""
        return batch.to(device)

    def facts(self) -> dict[str, Any]:
        """Plain types for the record."""
        return {"sentences": self.per_example}


@dataclass(frozen=True)
class Sentences:
    """Text in memory.

    Attributes:
        texts: a tuple of one or two sentences per example, as many for each.
    """

    modality: ClassVar[str] = SentenceSpec.modality

    texts: Sequence[tuple[str, ...]]

    def read(self, positions: NDArray[np.int64], spec: SentenceSpec) -> SentenceBatch:
        """Return the sentences at these positions.

        Raises:
            DataError: the network reads pairs, and these are none, or the other way round.
        """
        batch = SentenceBatch(tuple(self.texts[i] for i in positions.tolist()))
        if batch.texts and batch.shape[1] != spec.per_example:
            what = f"sentences: an example must have {spec.per_example}, as the network reads them"
            raise DataError(f"{what}; got {batch.shape[1]}")
        return batch

    def hashes(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return one 63-bit hash (n,) of each example's UTF-8 text."""
        joined = ("\x1f".join(self.texts[i]).encode() for i in positions.tolist())
        return np.array([content_hash(text) for text in joined], np.int64)

    def part(self, positions: NDArray[np.int64]) -> "Sentences":
        """Return the sentences at these positions alone."""
        return Sentences([self.texts[i] for i in positions.tolist()])
