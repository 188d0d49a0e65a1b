"""Typing errors and lost words: sentences change before they become tokens.

An element is a character or a word of a sentence, counted from 0 in the clean text. Two numbers of
16 bits are drawn for it: the first decides at which levels it is hit, the second what becomes of
it. So what a level changes every larger one changes alike, and batch, order and tokenizer have no
say. The kinds are those of Belinkov and Bisk, "Synthetic and natural noise both break neural
machine translation", 2018, and of Moradi and Samwald, "Evaluating the robustness of neural
language models to input perturbations", 2021.
"""

import re
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from torch import Tensor

from acn_eval.corruptions.base import Context, Corruption, NoiseKey
from acn_eval.corruptions.philox import uniform16
from acn_eval.texts import SentenceBatch

__all__ = [
    "DeleteCharacters",
    "DropWords",
    "InsertLetters",
    "Keyboard",
    "MaskWords",
    "SwapCharacters",
    "TextCorruption",
]

_STEPS = 1 << 16
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_WORD = re.compile(r"\S+\s*")
Shares = Annotated[tuple[Annotated[float, Field(le=1)], ...], Field(max_length=50)]
Numbers = Sequence[int]


def _neighbors() -> dict[str, str]:
    """Return the keys beside each letter on an American keyboard; rows are half a key apart."""
    place = {key: (row, x) for row, keys in enumerate(_ROWS) for x, key in enumerate(keys)}
    steps = ((0, -1), (0, 1), (-1, 0), (-1, 1), (1, -1), (1, 0))
    at = {spot: key for key, spot in place.items()}
    around = {key: [(row + dy, x + dx) for dy, dx in steps] for key, (row, x) in place.items()}
    return {
        key: "".join(at[spot] for spot in spots if spot in at) for key, spots in around.items()
    }


_NEAR = _neighbors()


class TextCorruption(Corruption, frozen=True):
    """A corruption of sentences, alone or in pairs; a subclass writes `_changed`.

    Attributes:
        levels: shares of the elements that are hit, in expectation.
    """

    modality: ClassVar[str] = "sentences"
    always_changes: ClassVar[bool] = False

    levels: Shares = (0.01, 0.05, 0.1)

    def _draw(self, shape: Sequence[int], ids: Tensor, key: NoiseKey) -> Tensor:
        """Draw int32 (n, elements, sentences, 2), elements up to the characters of the longest."""
        n, sentences, longest = shape
        numbers = uniform16(ids, longest * sentences * 2, key.words(self.kind))
        return numbers.view(n, longest, sentences, 2)

    def corrupt(
        self, shown: SentenceBatch, draw: Tensor | None, level: float, context: Context
    ) -> SentenceBatch:
        """Change every sentence by the numbers of its elements."""
        assert draw is not None
        numbers, below = draw.cpu().numpy(), round(_STEPS * level)

        def changed(i: int, k: int, text: str) -> str:
            decide, choose = numbers[i, : len(text), k].T.tolist()
            return self._changed(text, decide, choose, below)

        pairs = enumerate(shown.texts)
        texts = (tuple(changed(i, k, text) for k, text in enumerate(pair)) for i, pair in pairs)
        return replace(shown, texts=tuple(texts))

    @abstractmethod
    def _changed(self, text: str, decide: Numbers, choose: Numbers, below: int) -> str:
        """Return the text with the elements changed whose first number is below."""


class Keyboard(TextCorruption, frozen=True):
    """Replace a share ``level`` of the letters a to z by a neighbor on the keyboard, case kept."""

    kind: Literal["keyboard"] = "keyboard"

    def _changed(self, text: str, decide: Numbers, choose: Numbers, below: int) -> str:
        return "".join(
            _mistyped(letter, number) if u < below else letter
            for letter, u, number in zip(text, decide, choose, strict=True)
        )


class SwapCharacters(TextCorruption, frozen=True):
    """Swap a share ``level`` of the characters with the next one of the same word.

    A character moves once: of two swaps that overlap the one with the smaller number is made.
    """

    kind: Literal["swap"] = "swap"

    def _changed(self, text: str, decide: Numbers, choose: Numbers, below: int) -> str:
        letters, moved = list(text), set[int]()
        hit = [i for i in _characters(text) if decide[i] < below]
        for i in sorted(hit, key=lambda i: (decide[i], i)):
            word = text[i : i + 2]
            if len(word.strip()) == 2 and not moved & {i, i + 1}:
                letters[i : i + 2] = word[::-1]
                moved |= {i, i + 1}
        return "".join(letters)


class DeleteCharacters(TextCorruption, frozen=True):
    """Delete a share ``level`` of the characters; one that is left stays."""

    kind: Literal["delete"] = "delete"

    def _changed(self, text: str, decide: Numbers, choose: Numbers, below: int) -> str:
        gone = _but_one(_characters(text), decide, below)
        return "".join(letter for i, letter in enumerate(text) if i not in gone)


class InsertLetters(TextCorruption, frozen=True):
    """Insert a letter a to z behind a share ``level`` of the characters, in their case."""

    kind: Literal["insert"] = "insert"

    def _changed(self, text: str, decide: Numbers, choose: Numbers, below: int) -> str:
        letters = list(text)
        for i in _characters(text):
            if decide[i] < below:
                letters[i] += _cased(chr(ord("a") + (choose[i] * 26 >> 16)), text[i])
        return "".join(letters)


class DropWords(TextCorruption, frozen=True):
    """Leave out a share ``level`` of the words; one that is left stays.

    A word is what stands between white space. Without "not" a sentence may mean the opposite, so
    the accuracy that is lost is an upper bound of what a reader would lose.
    """

    kind: Literal["drop_words"] = "drop_words"
    levels: Shares = (0.1, 0.2, 0.4)

    def _changed(self, text: str, decide: Numbers, choose: Numbers, below: int) -> str:
        words = _WORD.findall(text)
        gone = _but_one(range(len(words)), decide, below)
        return "".join(w for i, w in enumerate(words) if i not in gone) if gone else text


class MaskWords(TextCorruption, frozen=True):
    """Replace a share ``level`` of the words by ``[MASK]``.

    Words and what may be concluded are those of `DropWords`.
    """

    kind: Literal["mask_words"] = "mask_words"
    levels: Shares = (0.1, 0.2, 0.4)

    def _changed(self, text: str, decide: Numbers, choose: Numbers, below: int) -> str:
        each = iter(decide)
        return _WORD.sub(lambda w: _masked(w[0]) if next(each) < below else w[0], text)


def _characters(text: str) -> list[int]:
    """Return where the characters are that are no white space."""
    return [i for i, letter in enumerate(text) if not letter.isspace()]


def _but_one(places: Sequence[int], decide: Numbers, below: int) -> set[int]:
    """Return the places that are hit; where all would be, the one of the largest number is not."""
    spared = max(places, key=lambda i: decide[i], default=None)
    return {i for i in places if decide[i] < below and i != spared}


def _mistyped(letter: str, number: int) -> str:
    near = _NEAR.get(letter.lower())
    return _cased(near[number * len(near) >> 16], letter) if near else letter


def _cased(letter: str, like: str) -> str:
    return letter.upper() if like.isupper() else letter


def _masked(word: str) -> str:
    return "[MASK]" + word[len(word.rstrip()) :]
