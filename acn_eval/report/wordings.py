"""Sentences as lines of a page, in which what differs from the clean ones is marked."""

import re
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher

from acn_eval.report.page import Span, Wording
from acn_eval.texts import SentenceBatch

__all__ = ["LEGEND", "wording"]

LEGEND = "New and changed words are underlined, lost ones are struck out."

_MOST = 240  # characters of a sentence that are shown
_PIECE = re.compile(r"\s+|\S+")
_MARKS = {"equal": "", "replace": "new", "insert": "new", "delete": "gone"}


def wording(shown: SentenceBatch, clean: SentenceBatch, _name: str = "") -> Wording:
    """Return the sentences of one example, a line each: new words and lost ones are marked.

    Of a long sentence the beginning is shown, and how many characters it has. Noise on embeddings
    leaves no mark on words, which are not repeated.
    """
    if shown.noise is not None:
        return Wording(((Span("the same words, with noise on their embeddings", "note"),),))
    ((after,), (before,)) = shown.texts, clean.texts
    lines = (_cut(_spans(*pair), len(pair[0])) for pair in zip(after, before, strict=True))
    return Wording(tuple(tuple(line) for line in lines))


def _spans(shown: str, clean: str) -> Iterator[Span]:
    """Yield what stays, is new and is gone, of as many words as can be shown."""
    after, before = _PIECE.findall(shown)[: _MOST + 1], _PIECE.findall(clean)[: 2 * _MOST]
    for tag, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        behind = k == m == len(after) > _MOST  # words that are not shown are not gone
        if not behind:
            yield Span("".join(before[i:j] if tag == "delete" else after[k:m]), _MARKS[tag])


def _cut(spans: Iterable[Span], length: int) -> Iterator[Span]:
    room = _MOST
    for span in spans:
        yield Span(span.text[:room], span.mark)
        if len(span.text) > room:
            yield Span(f"… ({length:,} characters)", "note")
            return
        room -= len(span.text)
