"""Masked tokens as in BERT: whole sentences are packed, and 15 % of their tokens are asked.

Which tokens are asked, and what stands in their place, depends on seed, epoch, example and place
alone. So networks of one seed are asked the same, whatever their wiring and batch.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from acn_eval.corruptions.philox import philox4x32
from acn_eval.data.examples import Examples
from acn_eval.data.tokens import SPECIAL, PrepareTokens
from acn_eval.errors import DataError
from acn_eval.inference.outputs import require_finite
from acn_eval.inference.precision import running
from acn_eval.seeds import seed_for
from acn_eval.tokens import Tokens
from acn_eval.training.batches import batch_indices
from acn_eval.training.tasks import Score, TrainingBatch

__all__ = ["ASKED", "Corpus", "MaskedTokens", "masked", "packed"]

ASKED = 0.15
"""Share of the tokens that are asked."""
_BECOME_MASK, _BECOME_RANDOM = 0.8, 0.9  # shares of them, the second one cumulative
_WORD = 2**32
_PAD, _CLS, _SEP = -3, -2, -1  # places behind those of a corpus, counted from its end
_HELD_OUT = 32  # sequences of a forward pass
_HELD_OUT_SEED = 0  # of their masks
Sequence = tuple[int, NDArray[np.int64]]
"""An epoch, and the numbers of the parts of a corpus that are packed together."""


@dataclass(frozen=True)
class Corpus:
    """Sentences as pieces; those longer than a sequence are cut into parts.

    Attributes:
        pieces: int64 (tokens + 3,), of one part after another; then [PAD], [CLS] and [SEP].
        examples: int64 (tokens + 3,), the id of each token's example.
        places: int64 (tokens + 3,), of each token in its example.
        begins: int64 (parts + 1,), of each part among the tokens.
        prepare: vocabulary, and tokens of a sequence.
    """

    pieces: NDArray[np.int64]
    examples: NDArray[np.int64]
    places: NDArray[np.int64]
    begins: NDArray[np.int64]
    prepare: PrepareTokens

    @staticmethod
    def of(examples: Examples, prepare: PrepareTokens) -> "Corpus":
        """Tokenize examples of one sentence each; parts without ordinary pieces are left out.

        Raises:
            DataError: no sentence is left.
        """
        parts = list(_parts(examples, prepare))
        if not parts:
            raise DataError(f"{examples.name}: must hold words of the vocabulary; got none")
        owners, firsts, pieces = zip(*parts, strict=True)
        lengths = np.array([len(own) for own in pieces])
        begins = np.concatenate([[0], lengths.cumsum()])
        places = np.arange(begins[-1]) + np.repeat(np.array(firsts) - begins[:-1], lengths)
        numbers = prepare.vocabulary.numbers
        ends = [numbers[piece] for piece in ("[PAD]", "[CLS]", "[SEP]")]
        return Corpus(
            np.concatenate([*pieces, ends]),
            np.append(np.repeat(np.array(owners), lengths), [0, 0, 0]),
            np.append(places, [0, 0, 0]),
            begins,
            prepare,
        )

    @property
    def parts(self) -> int:
        """Number of parts."""
        return len(self.begins) - 1

    def packed(self, seed: int, epoch: int) -> list[NDArray[np.int64]]:
        """Return the parts of each sequence of an epoch, all parts once, in a random order."""
        order = batch_indices(self.parts, self.parts, epoch, seed)
        return packed(np.diff(self.begins), order, self.prepare.longest)

    def batch(self, sequences: list[Sequence], seed: int) -> TrainingBatch:
        """Return ``[CLS] a [SEP] b [SEP]`` of each sequence, with its tokens masked."""
        rows = [self._row(parts) for _, parts in sequences]
        longest = max(map(len, rows))
        where = np.stack([np.pad(r, (0, longest - len(r)), constant_values=_PAD) for r in rows])
        epochs = torch.tensor([[epoch] for epoch, _ in sequences])
        ids, examples, places = (
            torch.from_numpy(column[where]) for column in (self.pieces, self.examples, self.places)
        )
        mask = self.prepare.vocabulary.numbers["[MASK]"]
        counter = examples, places, epochs
        shown, asked = masked(ids, counter, key=_key(seed), special=self._special, mask=mask)
        present = torch.from_numpy(where != _PAD)
        inputs = Tokens(shown, present, torch.zeros_like(ids), asked)
        return TrainingBatch(inputs, ids[asked], int(present.sum()))

    def _row(self, parts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the places of a sequence's tokens in the corpus."""
        each = [np.append(np.arange(*self.begins[part : part + 2]), _SEP) for part in parts]
        return np.concatenate([[_CLS], *each])

    @cached_property
    def _special(self) -> Tensor:
        return torch.tensor([piece in SPECIAL for piece in self.prepare.vocabulary.pieces])


@dataclass(frozen=True)
class MaskedTokens:
    """The tokens that are asked have pieces; sequences of an epoch are packed anew."""

    order: ClassVar[str] = "packed epochs v1"

    examples: Examples
    prepare: PrepareTokens
    size: int
    seed: int

    def batch(self, step: int, device: torch.device) -> TrainingBatch:
        """Return the batch of a step: epochs are laid end to end."""
        batch = self._corpus.batch(self._sequences(step), self.seed)
        return TrainingBatch(batch.inputs.to(device), batch.targets.to(device), batch.tokens)

    def score(self, network: nn.Module, held_out: Examples, device: torch.device) -> Score:
        """Return accuracy and loss on tokens that are masked alike for every recipe."""
        if not len(held_out):
            return Score(0.0, 0, 0.0)
        corpus, right, loss, n = Corpus.of(held_out, self.prepare), 0, 0.0, 0
        sequences = [(0, parts) for parts in corpus.packed(_HELD_OUT_SEED, 0)]
        for begin in range(0, len(sequences), _HELD_OUT):
            batch = corpus.batch(sequences[begin : begin + _HELD_OUT], _HELD_OUT_SEED)
            targets = batch.targets.to(device)
            with running("fp32", device):
                logits = require_finite(network(batch.inputs.to(device)), "training")
            right += int((logits.argmax(1) == targets).sum())
            loss += float(cross_entropy(logits, targets, reduction="sum"))
            n += len(targets)
        return Score(right / n, n, loss / n)

    def _sequences(self, step: int) -> list[Sequence]:
        """Return the sequences of a step."""
        begin, epoch = step * self.size, 0
        while begin >= len(self._epoch(epoch)):
            begin -= len(self._epoch(epoch))
            epoch += 1
        found: list[Sequence] = []
        while (missing := self.size - len(found)) > 0:
            found += [(epoch, parts) for parts in self._epoch(epoch)[begin : begin + missing]]
            begin, epoch = 0, epoch + 1
        return found

    def _epoch(self, epoch: int) -> list[NDArray[np.int64]]:
        if epoch not in self._epochs:
            self._epochs[epoch] = self._corpus.packed(self.seed, epoch)
        return self._epochs[epoch]

    @cached_property
    def _epochs(self) -> dict[int, list[NDArray[np.int64]]]:
        return {}

    @cached_property
    def _corpus(self) -> Corpus:
        return Corpus.of(self.examples, self.prepare)


def _key(seed: int) -> Tensor:
    key = seed_for("masked", seed)
    return torch.tensor([key % _WORD, key // _WORD])


def _parts(examples: Examples, prepare: PrepareTokens) -> Iterator[tuple[int, int, list[int]]]:
    """Yield a part: the id of its example, the place of its first token, and its pieces."""
    tokenizer, room = prepare.vocabulary.tokenizer(), prepare.longest - 2
    special = {prepare.vocabulary.numbers[piece] for piece in SPECIAL}
    shown = examples.read(np.arange(len(examples)), prepare.spec)
    for example, texts in zip(examples.ids.tolist(), shown.texts, strict=True):
        whole = tokenizer.encode(texts[0], add_special_tokens=False).ids
        for begin in range(0, len(whole), room):
            part = whole[begin : begin + room]
            if not special.issuperset(part):
                yield example, begin, part


def packed(
    lengths: NDArray[np.int64], order: NDArray[np.int64], longest: int
) -> list[NDArray[np.int64]]:
    """Fill sequences of at most `longest` tokens with whole parts, in this order.

    A part takes one token more than its length, and a sequence one more than its parts.
    """
    cuts, filled = [], 1
    for place, length in enumerate((lengths[order] + 1).tolist()):
        if filled + length > longest:
            cuts.append(place)
            filled = 1
        filled += length
    return np.split(order, cuts)


def masked(
    ids: Tensor,
    counter: tuple[Tensor, Tensor, Tensor],
    *,
    key: Tensor,
    special: Tensor,
    mask: int,
) -> tuple[Tensor, Tensor]:
    """Return the tokens that are shown, int64 (n, t), and which are asked, bool (n, t).

    Each token has four random 32-bit words, the Philox block of its counter. It is asked where the
    first is below .15 of 2^32. Then it is shown as [MASK] where the second is below .8 of 2^32; as
    piece ``third * m >> 32`` of the m that are not special, where below .9; otherwise as it is.
    Special pieces are never asked. A sequence in which no token would be is asked the one whose
    first word is smallest.

    Args:
        ids: int64 (n, t), pieces.
        counter: id of the example (n, t), place in it (n, t) and epoch (n, 1).
        key: int64 (2,), two 32-bit words.
        special: bool (pieces,).
        mask: number of [MASK].
    """
    examples, places, epochs = counter
    words = philox4x32((places, examples % _WORD, examples // _WORD, epochs), key)
    first = words[0].masked_fill(special[ids], _WORD)
    asked = first < int(ASKED * _WORD)
    least = first == first.min(dim=1, keepdim=True).values
    asked |= least & ~asked.any(dim=1, keepdim=True) & (first < _WORD)
    ordinary = (~special).nonzero().flatten()
    another = ordinary[words[2] * len(ordinary) >> 32]
    hidden = torch.where(words[1] < int(_BECOME_MASK * _WORD), mask, another)
    shown = torch.where(asked & (words[1] < int(_BECOME_RANDOM * _WORD)), hidden, ids)
    return shown, asked
