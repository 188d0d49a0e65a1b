"""WordPiece as BERT does it: a vocabulary, and from sentences to the tokens of one network."""

import hashlib
import string
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from tokenizers import Encoding, Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from acn_eval.config_files import limited
from acn_eval.data.sentences import SentenceSpec
from acn_eval.errors import DataError
from acn_eval.texts import SentenceBatch
from acn_eval.tokens import Tokens

__all__ = [
    "LONGEST_PIECE",
    "SPECIAL",
    "PrepareTokens",
    "Vocabulary",
    "read_vocabulary",
    "trimmed",
    "vocabulary_of",
]

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
"""Pieces that every vocabulary has; in a text they are what they are in the original BERT."""
LONGEST_PIECE = 100
"""Characters; a word of more is ``[UNK]`` in BERT."""
_FRAME = ("[PAD]", "[CLS]", "[SEP]")  # what stands around sentences, and is no word of them
_INSIDE = "##"  # what a piece inside a word begins with
_MOST_BYTES = 2**24  # of a file; that of multilingual BERT has one million


@dataclass(frozen=True)
class Vocabulary:
    """The pieces of words that a network knows.

    Attributes:
        pieces: by number; those inside a word begin with ``##``.
        lowercase: whether letters lose case and accents.

    Raises:
        DataError: a piece twice, empty, too long or of several lines, or no `SPECIAL` one.
    """

    pieces: tuple[str, ...]
    lowercase: bool = True

    def __post_init__(self) -> None:
        missing = [piece for piece in SPECIAL if piece not in self.numbers]
        if missing:
            msg = f"vocabulary: pieces must include {', '.join(SPECIAL)}; got no "
            raise DataError(f"{msg}{', '.join(missing)}")
        if len(self.numbers) < len(self.pieces) or "" in self.numbers:
            empty = self.pieces.count("")
            twice = len(self.pieces) - len(self.numbers)
            msg = "vocabulary: pieces must differ, none empty"
            raise DataError(f"{msg}; got {twice} twice, {empty} empty")
        if any("\n" in piece for piece in self.pieces):  # the digest is over lines, as files are
            raise DataError("vocabulary: pieces must have one line; got a line break")
        if (most := max(map(len, self.pieces))) > LONGEST_PIECE:
            what = f"vocabulary: pieces must have at most {LONGEST_PIECE} characters"
            raise DataError(f"{what}; got {most}")

    def __len__(self) -> int:
        """Return the number of pieces."""
        return len(self.pieces)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each piece."""
        return {piece: i for i, piece in enumerate(self.pieces)}

    @cached_property
    def digest(self) -> str:
        """16 hex digits over the pieces in their order."""
        return hashlib.sha256("\n".join(self.pieces).encode()).hexdigest()[:16]

    def facts(self) -> dict[str, Any]:
        """Plain types for the record."""
        return {"vocabulary": self.digest, "pieces": len(self), "lowercase": self.lowercase}

    def tokenizer(self, longest: int | None = None) -> Tokenizer:
        """From a sentence to ``[CLS] a [SEP]``, from a pair to ``[CLS] a [SEP] b [SEP]``.

        Call its `encode`, of one example: batches start threads of their own. At most `longest`
        tokens are kept; of a pair the longer sentence is cut first.
        """
        made = Tokenizer(WordPiece(self.numbers, unk_token="[UNK]"))
        made.add_special_tokens(list(SPECIAL))
        made.normalizer = BertNormalizer(lowercase=self.lowercase)
        made.pre_tokenizer = BertPreTokenizer()
        made.post_processor = TemplateProcessing(
            single="[CLS]:0 $A:0 [SEP]:0",
            pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
            special_tokens=[(piece, self.numbers[piece]) for piece in ("[CLS]", "[SEP]")],
        )
        if longest:
            made.enable_truncation(longest)
        return made


def read_vocabulary(file: Path, *, lowercase: bool = True) -> Vocabulary:
    """Read a ``vocab.txt`` of BERT: one piece per line, in UTF-8.

    Raises:
        DataError: no such file, or it is something else.
    """
    lines = _text(file).replace("\r\n", "\n").removesuffix("\n").split("\n")
    try:
        return Vocabulary(tuple(lines), lowercase)
    except DataError as exc:
        raise DataError(f"{file}: must have one piece per line; {exc}") from exc


def _text(file: Path) -> str:
    try:
        return limited(file, _MOST_BYTES).decode()
    except OSError as exc:
        raise DataError(f"{file}: must be a vocabulary; {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise DataError(f"{file}: must be a vocabulary in UTF-8; {exc.reason}") from exc
    except ValueError as exc:
        raise DataError(f"{file}: must be a vocabulary; {exc}") from exc


def trimmed(vocabulary: Vocabulary, texts: Iterable[str]) -> Vocabulary:
    """Return the pieces that these texts use, all single characters and `SPECIAL`, in order.

    The texts keep their pieces where every character of a piece is a piece of its own, alone and
    after ``##``, as in the official files: a word takes the longest piece that fits, and no longer
    one is there.
    """
    tokenizer = vocabulary.tokenizer()
    seen = {piece for text in texts for piece in tokenizer.encode(text).tokens}
    kept = [
        piece
        for piece in vocabulary.pieces
        if piece in seen or piece in SPECIAL or len(piece.removeprefix(_INSIDE)) == 1
    ]
    return replace(vocabulary, pieces=tuple(kept))


def vocabulary_of(texts: Iterable[str]) -> Vocabulary:
    """Return `SPECIAL`, all single characters of these texts and of ASCII, and all words of them.

    Words of more than `LONGEST_PIECE` characters are none. Characters are pieces alone and inside
    a word, so that other words have pieces as well.
    """
    normalizer, splitter = BertNormalizer(lowercase=True), BertPreTokenizer()
    normalized = (normalizer.normalize_str(text) for text in texts)
    words = {word for text in normalized for word, _ in splitter.pre_tokenize_str(text)}
    signs = set(string.digits + string.ascii_lowercase + string.punctuation).union(*words)
    usual = (word for word in words if 1 < len(word) <= LONGEST_PIECE)
    longer = sorted(word for word in usual if word not in SPECIAL)
    inside = [_INSIDE + sign for sign in sorted(signs)]
    return Vocabulary((*SPECIAL, *sorted(signs), *inside, *longer))


@dataclass(frozen=True)
class PrepareTokens:
    """From sentences to tokens, cut to a number that a network reads and padded to the longest.

    Attributes:
        spec: sentences per example.
        vocabulary: of the network.
        longest: tokens of an example, `SPECIAL` ones among them.

    Raises:
        DataError: so few tokens leave no room for the sentences.
    """

    spec: SentenceSpec
    vocabulary: Vocabulary
    longest: int

    def __post_init__(self) -> None:
        least = 2 * self.spec.per_example + 1
        if self.longest < least:
            raise DataError(f"`longest`: must be at least {least} tokens; got {self.longest}")

    def __call__(self, shown: SentenceBatch, /) -> Tokens:
        """Map n examples to tokens (n, t); t is that of the longest."""
        encoded = self._encoded(shown)
        longest = max(map(len, encoded), default=0)
        columns = [
            torch.tensor([[*column, *[fill] * (longest - len(column))] for column in part])
            for part, fill in (
                ([e.ids for e in encoded], self.vocabulary.numbers["[PAD]"]),
                ([e.attention_mask for e in encoded], 0),
                ([e.type_ids for e in encoded], 0),
            )
        ]
        ids, mask, segments = (column.view(len(encoded), longest) for column in columns)
        words = ~torch.isin(ids, torch.tensor([self.vocabulary.numbers[p] for p in _FRAME]))
        noise = None if shown.noise is None else replace(shown.noise, words=words)
        return Tokens(ids.long(), mask.bool(), segments.long(), noise=noise).to(shown.device)

    def cut(self, shown: SentenceBatch) -> int:
        """Return the number of examples that lose tokens because they are too long."""
        return sum(bool(encoding.overflowing) for encoding in self._encoded(shown))

    def blank(self, n: int) -> Tokens:
        """Return n examples of the most tokens, on the CPU."""
        return Tokens.blank(n, self.longest)

    def facts(self) -> dict[str, Any]:
        """Plain types for the record."""
        return {**self.spec.facts(), **self.vocabulary.facts(), "tokens": self.longest}

    def _encoded(self, shown: SentenceBatch) -> list[Encoding]:
        pairs = ((first, second[0] if second else None) for first, *second in shown.texts)
        return [self._tokenizer.encode(*pair) for pair in pairs]

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return self.vocabulary.tokenizer(self.longest)
