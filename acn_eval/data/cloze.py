"""Cloze (Taylor, 1953): one token of every sentence is hidden, and its piece is the class.

So an exit of a masked language model has one answer per sentence, as that of a classifier has.
Which token is hidden depends on the tokens of the sentence alone.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from acn_eval.data.examples import Examples
from acn_eval.data.sentences import SentenceSpec
from acn_eval.data.tokens import SPECIAL, PrepareTokens
from acn_eval.errors import DataError
from acn_eval.inputs import content_hash
from acn_eval.texts import SentenceBatch
from acn_eval.tokens import Tokens

__all__ = ["Cloze"]

_NOTE = "one token of every sentence is hidden, and the network says which piece it is"


@dataclass(frozen=True)
class Cloze:
    """From sentences to tokens of which one each is asked, and shown as [MASK].

    It is a token that is not special, each with equal probability, by a hash of the sentence's
    tokens.

    Attributes:
        prepare: from sentences to the tokens that are hidden then.
    """

    prepare: PrepareTokens

    @property
    def spec(self) -> SentenceSpec:
        """What is shown: sentences."""
        return self.prepare.spec

    def __call__(self, shown: SentenceBatch, /) -> Tokens:
        """Map n sentences to tokens (n, t) with one asked in each that has ordinary tokens."""
        tokens = self.prepare(shown)
        asked = self._asked(tokens)
        ids = tokens.ids.masked_fill(asked, self.prepare.vocabulary.numbers["[MASK]"])
        return replace(tokens, ids=ids, asked=asked)

    def questions(self, examples: Examples) -> Examples:
        """Return the sentences with their hidden pieces as classes; those with none are left out.

        Raises:
            DataError: none is left.
        """
        tokens = self.prepare(examples.read(np.arange(len(examples)), self.spec))
        asked = self._asked(tokens)
        where = np.flatnonzero(asked.any(dim=1).numpy())
        if not len(where):
            raise DataError(f"{examples.name}: must hold words of the vocabulary; got none")
        lost = len(examples) - len(where)
        left_out = f"{examples.name}: left out {lost} sentences without words of the vocabulary"
        return replace(
            examples.at(where),
            labels=tokens.ids[asked].numpy(),
            classes=self.prepare.vocabulary.pieces,
            named=True,
            notes=(*examples.notes, *[left_out] * bool(lost), _NOTE),
        )

    def blank(self, n: int) -> Tokens:
        """Return n examples of the most tokens, on the CPU."""
        return self.prepare.blank(n)

    def facts(self) -> dict[str, Any]:
        """Plain types for the record."""
        return {**self.prepare.facts(), "hidden": 1}

    def _asked(self, tokens: Tokens) -> Tensor:
        asked = torch.zeros_like(tokens.mask)
        ordinary = ~self._special.to(tokens.device)[tokens.ids] & tokens.mask
        for row, (ids, mask, places) in enumerate(
            zip(tokens.ids, tokens.mask, ordinary, strict=True)
        ):
            if len(words := places.nonzero().flatten()):
                key = content_hash(ids[mask].cpu().numpy().tobytes())
                asked[row, words[key % len(words)]] = True
        return asked

    @cached_property
    def _special(self) -> Tensor:
        return torch.tensor([piece in SPECIAL for piece in self.prepare.vocabulary.pieces])
